import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "@/files/mod.ts";
import { notebookNames, readNotebook } from "@/jupyter/mod.ts";
import { escapeHtml } from "@/notebook/html.ts";
import { type Heading, notebookPage, type Page } from "./page.ts";

/** A site cannot be made of what was given. */
export class SiteError extends Error {
  override name = "SiteError";
}

export interface SiteOptions {
  /** The folder of the notebooks; those in folders below it are left out. */
  folder: string;
  /** Where the site goes; files of the same names are replaced. */
  output: string;
  /** The name of the whole. Default: "Pneumothorax segmentation in TypeScript". */
  title?: string;
}

/** A page and the file that it is written to. */
interface NamedPage extends Page {
  file: string;
}

const ASSETS = fileURLToPath(new URL("assets", import.meta.url));

/** The scripts of vega as browsers load them from disk, where modules are not allowed. */
const SCRIPTS = {
  "vega.min.js": new URL("vega.min.js", import.meta.resolve("vega")),
  "vega-lite.min.js": new URL("vega-lite.min.js", import.meta.resolve("vega-lite")),
};

const PICTURE_TYPES: Record<string, string> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  svg: "image/svg+xml",
  gif: "image/gif",
  webp: "image/webp",
};

/**
 * Writes all notebooks of a folder as web pages: `index.html`, a page for each notebook, and
 * `assets/`. They refer to nothing outside of the folder, and open from disk.
 *
 * @returns The path of `index.html`, and how many notebooks there are.
 * @throws {SiteError} If the folder cannot be read, holds no notebooks, or a notebook shows a picture
 * that is not there.
 */
export async function writeSite(options: SiteOptions): Promise<{ index: string; pages: Page[] }> {
  const { folder, output, title = "Pneumothorax segmentation in TypeScript" } = options;
  const names = await notebooksOf(folder);
  const pages: NamedPage[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const page = await notebookPage(await readNotebook(path), name.replace(/\.ipynb$/, ""), {
      link: (href) => linkFrom(href, dirname(path), output),
      picture: (href) => embed(href, path),
    });
    pages.push({ ...page, file: pageOf(name) });
  }
  const assets = join(output, "assets");
  await Deno.mkdir(assets, { recursive: true });
  for (const name of ["style.css", "page.js"]) {
    await writeFileAtomic(join(assets, name), await Deno.readFile(join(ASSETS, name)));
  }
  for (const [name, url] of Object.entries(SCRIPTS)) {
    await writeFileAtomic(join(assets, name), await Deno.readFile(url));
  }
  for (const [i, page] of pages.entries()) {
    const html = frame(page.title, title, contents(pages, page), notebookMain(page, pages, i));
    await writeFileAtomic(join(output, page.file), html);
  }
  const index = join(output, "index.html");
  await writeFileAtomic(index, frame(title, title, contents(pages), indexMain(title, pages)));
  return { index, pages };
}

/**
 * The names of a folder's notebooks, sorted.
 *
 * @throws {SiteError} If it cannot be read or has none.
 */
export async function notebooksOf(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await notebookNames(folder);
  } catch (error) {
    throw new SiteError(`Cannot show notebooks as their folder cannot be read: ${error}`);
  }
  if (names.length === 0) {
    throw new SiteError(`Cannot show notebooks as there are none in ${folder}`);
  }
  return names;
}

function pageOf(notebook: string): string {
  return basename(notebook).replace(/\.ipynb$/, ".html");
}

/** Notebooks link to each other's pages, and other files to where they are. */
function linkFrom(href: string, folder: string, output: string): string {
  if (/^([a-z][a-z\d+.-]*:|#|\/)/i.test(href)) return href;
  const notebook = /^([^/#]+)\.ipynb(#.*)?$/.exec(href);
  if (notebook) return `${notebook[1]}.html${notebook[2] ?? ""}`;
  return relative(output, resolve(folder, href));
}

async function embed(href: string, notebook: string): Promise<string> {
  if (/^data:/i.test(href)) return href;
  const type = PICTURE_TYPES[href.split(".").at(-1)!.toLowerCase()];
  const path = resolve(dirname(notebook), href);
  const bytes = type === undefined ? undefined : await Deno.readFile(path).catch(() => undefined);
  if (bytes === undefined) {
    throw new SiteError(
      `Cannot show a picture of ${basename(notebook)} as it is no picture file on disk: ${href}`,
    );
  }
  return `data:${type};base64,${bytes.toBase64()}`;
}

function frame(title: string, site: string, navigation: string, main: string): string {
  const heading = title === site ? site : `${title} · ${site}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(heading)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/style.css">
</head>
<body>
${navigation}
<main>
${main}
</main>
<script src="assets/vega.min.js" defer></script>
<script src="assets/vega-lite.min.js" defer></script>
<script src="assets/page.js" defer></script>
</body>
</html>
`;
}

/** All pages, and below the current one its sections. */
function contents(pages: readonly NamedPage[], current?: NamedPage): string {
  const link = (href: string, text: string, isCurrent: boolean) =>
    `<a href="${href}"${isCurrent ? ' aria-current="page"' : ""}>${escapeHtml(text)}</a>`;
  const items = pages.map((page) => {
    const sections = page === current ? sectionList(page.headings) : "";
    return `<li>${link(page.file, page.title, page === current)}${sections}</li>`;
  });
  return `<details class="contents">
<summary>Contents</summary>
<nav aria-label="Contents">
${link("index.html", "Overview", current === undefined)}
<ol>${items.join("\n")}</ol>
</nav>
</details>`;
}

function sectionList(headings: readonly Heading[], file = ""): string {
  const items = headings.filter(({ depth }) => depth === 2 || depth === 3).map((heading) =>
    `<li class="depth-${heading.depth}"><a href="${file}#${heading.id}">` +
    `${escapeHtml(heading.text)}</a></li>`
  );
  return items.length === 0 ? "" : `<ul>${items.join("\n")}</ul>`;
}

function notebookMain(page: Page, pages: readonly NamedPage[], i: number): string {
  const [before, after] = [pages[i - 1], pages[i + 1]];
  const earlier = before
    ? `<a rel="prev" href="${before.file}">← ${escapeHtml(before.title)}</a>`
    : "";
  const later = after ? `<a rel="next" href="${after.file}">${escapeHtml(after.title)} →</a>` : "";
  return `<label class="toggle"><input type="checkbox" id="hide-code"> Hide code</label>
${page.hasRun ? "" : NOT_RUN}${page.body}
<nav class="neighbours" aria-label="Other notebooks"><span>${earlier}</span><span>${later}</span></nav>`;
}

const NOT_RUN = '<p class="note">This notebook has not been run: it shows no outputs.</p>\n';

function indexMain(title: string, pages: readonly NamedPage[]): string {
  const cards = pages.map(({ file, title, summary, picture = "", headings, hasRun }) =>
    `<article class="card">
<a class="cover" href="${file}" tabindex="-1" aria-hidden="true">${picture}</a>
<div>
<h2><a href="${file}">${escapeHtml(title)}</a></h2>
${hasRun ? "" : NOT_RUN}<p>${summary}</p>
<details><summary>Sections</summary>${sectionList(headings, file)}</details>
</div>
</article>`
  );
  return `<h1>${escapeHtml(title)}</h1>
<p>From chest X-rays to a submission. Each page is a Jupyter notebook as it was last run.</p>
${cards.join("\n")}`;
}
