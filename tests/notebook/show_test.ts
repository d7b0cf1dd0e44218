import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  markdown,
  Progress,
  type ProgressState,
  progressText,
  show,
  showChart,
  showImage,
  table,
  tableHtml,
  tableText,
} from "@/notebook/mod.ts";
import { bars } from "@/plots/mod.ts";

/** What an action prints to the console. */
async function printed(action: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    await action();
  } finally {
    console.log = log;
  }
  return lines;
}

Deno.test("outside of a notebook everything is printed as text", async () => {
  assertEquals(await printed(() => show({ "text/plain": "plain", "text/html": "<b>" })), ["plain"]);
  assertEquals(await printed(() => markdown("# Title")), ["# Title"]);
  assertEquals(await printed(() => table([{ a: 1 }])), ["a\n-\n1"]);
  const jpeg = new Uint8Array(3000).fill(255);
  jpeg[1] = 0xd8;
  assertEquals(await printed(() => showImage(jpeg)), ["[image] image/jpeg, 3 KB"]);
  const chart = bars([{ label: "a", value: 1 }], { title: "One bar", x: "", y: "Films" });
  assertEquals(await printed(() => showChart(chart)), ["[chart] One bar"]);
  const none = "No chart: the data do not tell what it needs";
  assertEquals(await printed(() => showChart(undefined)), [none]);
});

Deno.test("showImage() refuses what is no picture", async () => {
  await assertRejects(() => showImage(new Uint8Array(9)), SyntaxError, "neither PNG nor JPEG");
});

Deno.test("tableText() aligns numbers to the right and text to the left", () => {
  const rows = [
    { run: "stage-1", dice: 0.123456, epochs: 40, done: true },
    { run: "b", dice: null, epochs: 9, done: false },
    { run: "c", dice: 1e-7, epochs: 100 },
  ];
  assertEquals(
    tableText(rows),
    [
      "run        dice  epochs  done",
      "-------  ------  ------  -----",
      "stage-1  0.1235      40  true",
      "b             –       9  false",
      "c          1e-7     100  –",
    ].join("\n"),
  );
  assertEquals(tableText(rows, { columns: ["epochs"], digits: 1 }).split("\n")[0], "epochs");
  assertEquals(tableText([{ x: 2 / 3 }], { digits: 2 }), "   x\n----\n0.67");
  assertEquals(tableText([]), "\n");
});

Deno.test("tableHtml() shows values as text, never as markup", () => {
  const html = tableHtml([{ "<id>": `a & "b" <script>` }]);
  assertEquals(
    html,
    '<table>\n<thead><tr><th align="left">&lt;id&gt;</th></tr></thead>\n<tbody>\n' +
      '<tr><td align="left">a &amp; &quot;b&quot; &lt;script&gt;</td></tr>\n</tbody>\n</table>',
  );
});

Deno.test("progressText() tells how far, how fast and how long", () => {
  const state: ProgressState = {
    label: "train",
    unit: "films",
    total: 48,
    start: 0,
    done: 12,
    note: "",
    seconds: 4,
    isFinished: false,
  };
  const cases: [Partial<ProgressState>, string][] = [
    [{}, "train 12/48 films (25%), 3.00 films/s, 12 s left"],
    [{ note: "loss 0.4" }, "train 12/48 films (25%), 3.00 films/s, 12 s left, loss 0.4"],
    [{ done: 0 }, "train 0/48 films (0%)"],
    [{ done: 0, seconds: 0 }, "train 0/48 films (0%)"],
    // Resumed at 8: 4 films in 4 s.
    [{ start: 8 }, "train 12/48 films (25%), 1.00 films/s, 36 s left"],
    [{ seconds: 240 }, "train 12/48 films (25%), 20.0 s each, 12:00 min left"],
    [{ seconds: 3600 }, "train 12/48 films (25%), 300 s each, 3:00 h left"],
    [
      { done: 48, isFinished: true, seconds: 75 },
      "train 48/48 films (100%), 1.56 s each, took 1:15 min",
    ],
    [{ label: "", total: 0, done: 0, isFinished: true }, "0/0 films (100%), took 4.0 s"],
    [{ done: 47, total: 48, seconds: 1 }, "train 47/48 films (97%), 47.0 films/s, 0.0 s left"],
  ];
  for (const [change, expected] of cases) {
    assertEquals(progressText({ ...state, ...change }), expected);
  }
});

Deno.test("Progress writes few lines where they cannot be replaced", async () => {
  const lines: string[] = [];
  const { error } = console;
  console.error = (line: string) => lines.push(line);
  try {
    const progress = new Progress(1000, { label: "films", unit: "" });
    for (let done = 1; done <= 1000; done++) await progress.update(done, `note ${done}`);
    await progress.finish("all read");
  } finally {
    console.error = error;
  }
  // On a terminal (a person runs the tests) the line is replaced and nothing is logged.
  if (Deno.stderr.isTerminal()) return;
  assertEquals(lines.length, 2);
  assertEquals(lines[1]?.startsWith("films 1000/1000"), true);
  assertEquals(lines[1]?.endsWith("all read"), true);
});

Deno.test("Progress refuses a total that is no amount", () => {
  for (const total of [-1, NaN, Infinity]) {
    assertThrows(() => new Progress(total), RangeError, "total must be >= 0");
  }
});
