import { assert, assertEquals, assertThrows } from "@std/assert";
import { GPU_ROWS, ROWS, scriptPath, selectRows } from "./rows.ts";

/** The rows that were asked for. */
const WANTED = [
  "train_step",
  "train_step_bf16",
  "train_step_512",
  "first_step",
  "train_memory",
  "inference_512",
  "inference_bf16",
  "inference_tta",
  "inference_tta_bf16",
  "decode",
  "prepare",
  "augment",
  "data_wait",
  "rle",
  "triplet_search",
  "growth_files",
  "growth_memory",
  "growth_steps",
];

Deno.test("ROWS has every row once, and every program is there", async () => {
  assertEquals(ROWS.map(({ name }) => name), WANTED);
  for (const rows of [ROWS, GPU_ROWS]) {
    assertEquals(new Set(rows.map(({ name }) => name)).size, rows.length);
    for (const { ours, peers, bar } of rows) {
      assert(bar > 0);
      for (const program of [ours, ...peers]) assert((await Deno.stat(scriptPath(program))).isFile);
    }
  }
});

Deno.test("selectRows() takes the named rows in the table's order, all if none is named", () => {
  assertEquals(selectRows(ROWS, ["decode", "train_step"]).map(({ name }) => name), [
    "train_step",
    "decode",
  ]);
  assertEquals(selectRows(ROWS, []).length, ROWS.length);
  assertThrows(() => selectRows(ROWS, ["decode", "code"]), RangeError, "none of that name: code");
});
