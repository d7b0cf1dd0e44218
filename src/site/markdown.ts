// @ts-types="./highlight.d.ts"
import hljs from "highlight.js/lib/core";
// @ts-types="./highlight_language.d.ts"
import bash from "highlight.js/lib/languages/bash";
// @ts-types="./highlight_language.d.ts"
import typescript from "highlight.js/lib/languages/typescript";
// @ts-types="./highlight_language.d.ts"
import yaml from "highlight.js/lib/languages/yaml";
import { Marked, type Tokens } from "marked";
import { escapeHtml } from "@/notebook/html.ts";

hljs.registerLanguage("bash", bash);
hljs.registerLanguage("typescript", typescript);
hljs.registerLanguage("yaml", yaml);
hljs.registerAliases(["sh"], { languageName: "bash" });
hljs.registerAliases(["ts"], { languageName: "typescript" });

/** A heading of a page, which its table of contents links to. */
export interface Heading {
  /** 1 is the page's title. */
  depth: number;
  /** Without formatting, not escaped. */
  text: string;
  /** The `id` of its element, unique in the page. */
  id: string;
}

export interface MarkdownOptions {
  /** Says where a link leads from the page, given where it leads from the notebook. */
  link: (href: string) => string;
  /** The same for the source of a picture. */
  picture: (href: string) => Promise<string>;
}

/** Turns the Markdown cells of one page into HTML, and collects their headings. */
export class MarkdownRenderer {
  readonly headings: Heading[] = [];
  readonly #marked: Marked;
  readonly #ids = new Set<string>();

  constructor(options: MarkdownOptions) {
    const addHeading = (depth: number, text: string) => this.#addHeading(depth, text);
    this.#marked = new Marked({
      async: true,
      async walkTokens(token) {
        if (token.type === "link") token["href"] = options.link(token["href"]);
        if (token.type === "image") token["href"] = await options.picture(token["href"]);
      },
      renderer: {
        heading({ tokens, depth }: Tokens.Heading) {
          const text = this.parser.parseInline(tokens, this.parser.textRenderer);
          const { id } = addHeading(depth, unescapeHtml(text));
          const inner = this.parser.parseInline(tokens);
          return `<h${depth} id="${id}"><a class="anchor" href="#${id}">${inner}</a></h${depth}>\n`;
        },
        code({ text, lang = "" }: Tokens.Code) {
          return `<pre class="code"><code>${highlight(text, lang)}</code></pre>\n`;
        },
        // Wide tables scroll by themselves, so that the page does not.
        table(token: Tokens.Table) {
          const row = (cells: Tokens.TableCell[]) =>
            `<tr>${cells.map((cell) => this.tablecell(cell)).join("")}</tr>`;
          return `<div class="scrolls"><table><thead>${row(token.header)}</thead>` +
            `<tbody>${token.rows.map(row).join("")}</tbody></table></div>\n`;
        },
      },
    });
  }

  async render(markdown: string): Promise<string> {
    return await this.#marked.parse(markdown, { async: true });
  }

  #addHeading(depth: number, text: string): Heading {
    const slug = text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") ||
      "section";
    let id = slug;
    for (let i = 2; this.#ids.has(id); i++) id = `${slug}-${i}`;
    this.#ids.add(id);
    const heading = { depth, text, id };
    this.headings.push(heading);
    return heading;
  }
}

/** Code as HTML, with the classes of highlight.js; code in a language it does not know is escaped. */
export function highlight(code: string, language: string): string {
  if (hljs.getLanguage(language) === undefined) return escapeHtml(code);
  return hljs.highlight(code, { language }).value;
}

/** What marked has escaped in text without formatting. */
function unescapeHtml(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
