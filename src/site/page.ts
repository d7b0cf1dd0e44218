import { cellSource, type Notebook } from "@/jupyter/mod.ts";
import { type Heading, highlight, type MarkdownOptions, MarkdownRenderer } from "./markdown.ts";
import { outputHtml, pictureHtml } from "./output.ts";

export type { Heading };

/** A notebook as a web page, without the frame that all pages share. */
export interface Page {
  /** The text of its first heading. */
  title: string;
  /** What stands in the page: a `section` for each cell. */
  body: string;
  /** All headings in order, the title among them. */
  headings: Heading[];
  /** The HTML of the paragraph after the title; empty if there is none. */
  summary: string;
  /** The HTML of one picture that stands for it, if there is any: a film before a chart. */
  picture: string | undefined;
  /** Whether any cell has outputs. */
  hasRun: boolean;
}

/**
 * Turns a notebook into a page.
 *
 * @param fallbackTitle Its title if it has no heading.
 */
export async function notebookPage(
  notebook: Notebook,
  fallbackTitle: string,
  options: MarkdownOptions,
): Promise<Page> {
  const markdown = new MarkdownRenderer(options);
  const language = languageOf(notebook);
  const sections: string[] = [];
  const pictures: string[] = [];
  let summary = "";
  let hasRun = false;
  for (const cell of notebook.cells) {
    const source = cellSource(cell);
    if (cell.cell_type === "markdown") {
      const html = await markdown.render(source);
      summary ||= /<h1[^>]*>.*<\/h1>\s*<p>([^]*?)<\/p>/.exec(html)?.[1] ?? "";
      sections.push(`<section class="prose">${html}</section>`);
    }
    if (cell.cell_type !== "code" || source.trim() === "") continue;
    const outputs: string[] = [];
    for (const output of cell.outputs) {
      hasRun = true;
      outputs.push(await outputHtml(output, (text) => markdown.render(text)));
      const picture = pictureHtml(output);
      if (picture !== undefined) pictures.push(picture);
    }
    const code = `<pre class="code"><code>${highlight(source, language)}</code></pre>`;
    sections.push(
      `<section class="cell">${code}\n<div class="outputs">${outputs.join("\n")}</div></section>`,
    );
  }
  const { headings } = markdown;
  return {
    title: headings[0]?.text ?? fallbackTitle,
    body: sections.join("\n"),
    headings,
    summary,
    picture: pictures.find((picture) => picture.includes("data:image/jpeg")) ?? pictures[0],
    hasRun,
  };
}

function languageOf({ metadata }: Notebook): string {
  const info = metadata["language_info"];
  const name = typeof info === "object" && info !== null && "name" in info ? info.name : undefined;
  return typeof name === "string" ? name : "typescript";
}
