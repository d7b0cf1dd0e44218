import { type CellOutput, joinLines, type MultilineText } from "@/jupyter/mod.ts";
import { escapeHtml } from "@/notebook/html.ts";

/** The MIME type of vega-lite charts, of any version. */
const VEGA_LITE = /^application\/vnd\.vegalite\.v\d+\+json$/;
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

type Display = Extract<CellOutput, { data: unknown }>;

/**
 * An output of a cell as HTML, in the richest of its formats that a browser shows.
 *
 * A chart is its picture with the specification beside it; `assets/page.js` draws it anew, with
 * tooltips, where scripts run.
 *
 * @param markdown Renders text of type `text/markdown`.
 */
export async function outputHtml(
  output: CellOutput,
  markdown: (text: string) => Promise<string>,
): Promise<string> {
  if (output.output_type === "stream") return textBlock(joinLines(output.text), output.name);
  if (output.output_type === "error") {
    const { ename, evalue, traceback } = output;
    return textBlock(traceback.length > 0 ? traceback.join("\n") : `${ename}: ${evalue}`, "error");
  }
  const { data } = output;
  const picture = pictureHtml(output);
  const style = styleOf(output);
  const chart = Object.keys(data).find((type) => VEGA_LITE.test(type));
  if (chart !== undefined) {
    return `<figure class="chart"${style}>${picture ?? ""}${jsonScript(data[chart])}</figure>`;
  }
  if (picture !== undefined) return `<figure${style}>${picture}</figure>`;
  if (isText(data["image/svg+xml"])) return `<figure>${joinLines(data["image/svg+xml"])}</figure>`;
  if (isText(data["text/html"])) {
    return `<div class="scrolls">${joinLines(data["text/html"])}</div>`;
  }
  if (isText(data["text/markdown"])) return await markdown(joinLines(data["text/markdown"]));
  return textBlock(plainText(output), "result");
}

/** The picture of an output as an `img` that holds its data, or undefined if it has none. */
export function pictureHtml(output: CellOutput): string | undefined {
  if (!("data" in output)) return undefined;
  const type = PICTURES.find((name) => isText(output.data[name]));
  if (type === undefined) return undefined;
  const base64 = joinLines(output.data[type] as MultilineText).replaceAll(/\s/g, "");
  const size = (output.metadata[type] ?? {}) as { width?: number; height?: number };
  const attributes = Object.entries({ width: size.width, height: size.height })
    .map(([name, pixels]) => Number.isFinite(pixels) ? ` ${name}="${Number(pixels)}"` : "");
  // The text of a display starts with its kind: [chart] or [image].
  const alt = escapeHtml(plainText(output).replace(/^\[\w+\] /, ""));
  return `<img alt="${alt}"${attributes.join("")} decoding="async" ` +
    `src="data:${type};base64,${base64}">`;
}

/** Tells the style sheet how wide a picture is meant to be. */
function styleOf({ metadata }: Display): string {
  const width = PICTURES.map((type) => (metadata[type] as { width?: number } | undefined)?.width)
    .find(Number.isFinite);
  return width === undefined ? "" : ` style="--width: ${width}px"`;
}

/** Data for scripts; a text with "</script>" in it does not end the element. */
function jsonScript(value: unknown): string {
  const json = JSON.stringify(value).replaceAll("<", "\\u003c");
  return `<script type="application/json">${json}</script>`;
}

function textBlock(text: string, kind: string): string {
  return `<pre class="${kind}">${escapeHtml(text.trimEnd())}</pre>`;
}

function plainText({ data }: Display): string {
  return isText(data["text/plain"]) ? joinLines(data["text/plain"]) : "";
}

function isText(value: unknown): value is MultilineText {
  return typeof value === "string" ||
    (Array.isArray(value) && value.every((line) => typeof line === "string"));
}
