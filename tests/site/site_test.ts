import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { CellOutput, Notebook } from "@/jupyter/mod.ts";
import { notebookPage, SiteError, writeSite } from "@/site/mod.ts";
import { withFolder } from "../data/small_dataset.ts";

const OPTIONS = {
  link: (href: string) => `linked:${href}`,
  picture: (href: string) => Promise.resolve(`shown:${href}`),
};

function notebook(...cells: (string | { code: string; outputs?: CellOutput[] })[]): Notebook {
  return {
    cells: cells.map((cell, i) =>
      typeof cell === "string"
        ? { cell_type: "markdown", id: `${i}`, metadata: {}, source: cell }
        : {
          cell_type: "code",
          id: `${i}`,
          metadata: {},
          source: cell.code,
          outputs: cell.outputs ?? [],
          execution_count: 1,
        }
    ),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
}

Deno.test("notebookPage() takes title, summary and headings of the text", async () => {
  const page = await notebookPage(
    notebook(
      "# 1. Films & *masks*\n\nWhat is **there**.\n\nMore.",
      "## A part\n\n### Within `it`\n\n## A part\n\n## 22 < 80 %",
    ),
    "fallback",
    OPTIONS,
  );
  assertEquals(page.title, "1. Films & masks");
  assertEquals(page.summary, "What is <strong>there</strong>.");
  assertEquals(page.headings, [
    { depth: 1, text: "1. Films & masks", id: "1-films-masks" },
    { depth: 2, text: "A part", id: "a-part" },
    { depth: 3, text: "Within it", id: "within-it" },
    { depth: 2, text: "A part", id: "a-part-2" },
    { depth: 2, text: "22 < 80 %", id: "22-80" },
  ]);
  for (const { id } of page.headings) assertStringIncludes(page.body, `id="${id}"`);
  assertEquals([page.picture, page.hasRun], [undefined, false]);
  assertEquals(
    (await notebookPage(notebook({ code: "1" }), "fallback", OPTIONS)).title,
    "fallback",
  );
});

const MARKDOWN: [markdown: string, html: string][] = [
  ["[text](other.ipynb#part)", '<a href="linked:other.ipynb#part">text</a>'],
  ["![a film](film.png)", '<img src="shown:film.png" alt="a film">'],
  ["| a |\n| -: |\n| 1 |", '<div class="scrolls"><table><thead><tr><th align="right">a</th>'],
  ["```ts\nconst a = 1;\n```", '<span class="hljs-keyword">const</span>'],
  ["```unknown\na < b\n```", "<code>a &lt; b</code>"],
];
for (const [markdown, html] of MARKDOWN) {
  Deno.test(`notebookPage() renders ${JSON.stringify(markdown)}`, async () => {
    assertStringIncludes((await notebookPage(notebook(markdown), "", OPTIONS)).body, html);
  });
}

function display(data: Record<string, unknown>, metadata = {}): CellOutput {
  return { output_type: "display_data", data, metadata };
}

const PNG = { "image/png": "aGk=\n", "text/plain": ['[chart] 5 < 6 "x"'] };
const IMG = 'alt="5 &lt; 6 &quot;x&quot;" width="40" height="30" decoding="async" ' +
  'src="data:image/png;base64,aGk="';
const SIZE = { "image/png": { width: 40, height: 30 } };

const OUTPUTS: [name: string, output: CellOutput, html: string][] = [
  [
    "text",
    { output_type: "stream", name: "stdout", text: ["a <b>\n", "c\n"] },
    '<pre class="stdout">a &lt;b&gt;\nc</pre>',
  ],
  [
    "errors",
    { output_type: "error", ename: "E", evalue: "v", traceback: ["E: v", "  at <x>"] },
    '<pre class="error">E: v\n  at &lt;x&gt;</pre>',
  ],
  [
    "errors without a trace",
    { output_type: "error", ename: "E", evalue: "v", traceback: [] },
    '<pre class="error">E: v</pre>',
  ],
  ["pictures", display(PNG, SIZE), `<figure style="--width: 40px"><img ${IMG}></figure>`],
  [
    "charts",
    display({ ...PNG, "application/vnd.vegalite.v5+json": { title: "</script>" } }, SIZE),
    `<figure class="chart" style="--width: 40px"><img ${IMG}>` +
    '<script type="application/json">{"title":"\\u003c/script>"}</script></figure>',
  ],
  [
    "tables",
    display({ "text/html": ["<table>\n", "</table>"], "text/plain": "a" }),
    '<div class="scrolls"><table>\n</table></div>',
  ],
  ["Markdown", display({ "text/markdown": "**b**", "text/plain": "b" }), "<strong>b</strong>"],
  [
    "results",
    { output_type: "execute_result", data: { "text/plain": "[1]" }, metadata: {} },
    '<pre class="result">[1]</pre>',
  ],
];
for (const [name, output, html] of OUTPUTS) {
  Deno.test(`notebookPage() shows ${name}`, async () => {
    const page = await notebookPage(notebook({ code: "f()", outputs: [output] }), "", OPTIONS);
    assertStringIncludes(page.body, html);
    assert(page.hasRun);
  });
}

Deno.test("notebookPage() is represented by a film, or else by its first chart", async () => {
  const jpeg = display({ "image/jpeg": "ZmlsbQ==", "text/plain": "[image] film" });
  const page = (...outputs: CellOutput[]) =>
    notebookPage(notebook({ code: "f()", outputs }), "", OPTIONS);
  assertStringIncludes((await page(display(PNG), jpeg)).picture!, "base64,ZmlsbQ==");
  assertStringIncludes((await page(display(PNG))).picture!, "base64,aGk=");
});

Deno.test("writeSite() links pages to each other, and to files where they are", () =>
  withFolder(async (folder) => {
    const files = {
      "1.ipynb": notebook(
        "# One\n\n[two](2.ipynb#a) [src](../src/x.ts) [web](https://a.b/2.ipynb) ![p](p.png)",
      ),
      "2.ipynb": notebook("# Two\n\n## A"),
    };
    for (const [name, content] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, name), JSON.stringify(content));
    }
    await Deno.writeFile(join(folder, "p.png"), new Uint8Array([1, 2, 3]));
    const output = join(folder, "deep", "site");
    const { index, pages } = await writeSite({ folder, output, title: "All" });
    assertEquals(pages.map(({ title }) => title), ["One", "Two"]);
    const one = await Deno.readTextFile(join(output, "1.html"));
    for (
      const part of [
        '<a href="2.html#a">two</a>',
        '<a href="../../../src/x.ts">src</a>',
        '<a href="https://a.b/2.ipynb">web</a>',
        'src="data:image/png;base64,AQID"',
        "<title>One · All</title>",
        "This notebook has not been run",
        '<a rel="next" href="2.html">Two →</a>',
      ]
    ) assertStringIncludes(one, part);
    const overview = await Deno.readTextFile(index);
    assertStringIncludes(overview, '<a href="2.html#a">A</a>');
    const assets = [...Deno.readDirSync(join(output, "assets"))].map(({ name }) => name).sort();
    assertEquals(assets, ["page.js", "style.css", "vega-lite.min.js", "vega.min.js"]);
  }));

Deno.test("writeSite() refuses a folder without notebooks and a picture that is not there", () =>
  withFolder(async (folder) => {
    const write = () => writeSite({ folder, output: join(folder, "site") });
    await assertRejects(write, SiteError, "there are none in");
    await assertRejects(
      () => writeSite({ folder: join(folder, "no"), output: folder }),
      SiteError,
      "cannot be read",
    );
    const text = JSON.stringify(notebook("![p](no.png)"));
    await Deno.writeTextFile(join(folder, "1.ipynb"), text);
    await assertRejects(write, SiteError, "no.png");
  }));
