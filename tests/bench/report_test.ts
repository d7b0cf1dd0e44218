import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeReport, markdown, plainRatios } from "./report.ts";
import type { RowResult } from "./run_row.ts";

const MACHINE = {
  date: "2026-01-02T03:04:05Z",
  commit: "abc",
  processor: "Abacus",
  cores: 2,
  memoryGiB: 23.6,
  system: "Linux",
  load: 0.04,
  devices: ["CPU"],
};
const ROWS: RowResult[] = [
  {
    name: "fast",
    work: "counting",
    unit: "ms",
    bar: 0.7,
    ratio: 0.51234,
    sides: [
      {
        name: "ours",
        samples: [10, 12],
        summary: { median: 11, lowest: 10, highest: 12 },
        peakMemory: 99.6,
        versions: { deno: "1" },
      },
      {
        name: "snail",
        samples: [1234.4, 5],
        summary: { median: 1234.4, lowest: 5, highest: 1234.4 },
        ratio: 0.51234,
        versions: { abacus: "2" },
      },
      { name: "stone", samples: [], reason: "Traceback\n  line | 3\nno legs | none" },
    ],
  },
  {
    name: "waiting",
    work: "nothing",
    unit: "share",
    bar: 0.02,
    ratio: 0.0125,
    sides: [{
      name: "ours",
      samples: [0.0125],
      summary: { median: 0.0125, lowest: 0.0125, highest: 0.0125 },
    }],
  },
  { name: "broken", work: "failing", unit: "ms", bar: 1, sides: [{ name: "ours", samples: [] }] },
];

Deno.test("markdown() has a line for each side, with units, ratio and bar", () => {
  const text = markdown(makeReport(MACHINE, ROWS));
  for (
    const line of [
      "| fast | ours | 11.0 ms | 10.0 to 12.0 |  |  | 100 MiB |",
      "|  | snail | 1234 ms | 5.00 to 1234 | 0.512 | 0.7 |  |",
      "|  | stone | none: no legs / none |  |  |  |  |",
      "| waiting | ours | 0.013 | 0.013 to 0.013 | 0.013 | 0.02 |  |",
      "| broken | ours | none:  |  |  | 1 |  |",
      "- abacus 2, deno 1",
      "- Abacus, 2 cores, 24 GiB, Linux; CPU",
      "- `waiting`: nothing",
    ]
  ) assertStringIncludes(text, line + "\n");
  const cells = text.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").length);
  assert(cells.every((count) => count === cells[0]));
});

Deno.test("plainRatios() is a name and a number, or a dash where the row failed", () => {
  assertEquals(plainRatios(ROWS), "fast 0.512\nwaiting 0.013\nbroken -");
});
