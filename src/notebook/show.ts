import { notebookHost } from "./kernel.ts";

/** One thing in several formats by MIME type; `text/plain` is what a terminal shows. */
export type MimeBundle = { "text/plain": string } & Record<string, unknown>;

export interface ShowOptions {
  /** For each MIME type what a reader must know, such as an image's size in CSS pixels. */
  metadata?: Record<string, unknown>;
  /** Names this display, so that a later one with `update` replaces it where it stands. */
  displayId?: string;
  /** Replace the display of that id. Default: false. */
  update?: boolean;
}

/**
 * Shows something below the running cell; outside of a notebook its text is printed.
 *
 * @param bundle The same thing in every format that readers may want.
 */
export async function show(bundle: MimeBundle, options: ShowOptions = {}): Promise<void> {
  const { metadata = {}, displayId, update = false } = options;
  const host = notebookHost();
  if (host === undefined) {
    console.log(bundle["text/plain"]);
    return;
  }
  // Deno.jupyter.display() would drop the metadata.
  await host.broadcast(update ? "update_display_data" : "display_data", {
    data: bundle,
    metadata,
    transient: displayId === undefined ? {} : { display_id: displayId },
  });
}

/** Shows formatted text (Markdown, with formulas between dollar signs). */
export async function markdown(text: string): Promise<void> {
  await show({ "text/plain": text, "text/markdown": text });
}
