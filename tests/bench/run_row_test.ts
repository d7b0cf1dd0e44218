import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Program, Row } from "./rows.ts";
import { runRow } from "./run_row.ts";

function fake(name: string, ...args: Program["args"]): Program {
  return { name, script: "fake_contestant.ts", args };
}

function row(ours: Program, peers: Program[], more: Partial<Row> = {}): Row {
  return { name: "fake", work: "none", unit: "ms", bar: 1, ours, peers, rounds: 3, ...more };
}

const options = { python: "python-that-is-not-there" };

Deno.test("runRow() leaves out the warm-up, and compares with the first peer", async () => {
  const result = await runRow(
    row(fake("ours", 999, 1, 2, 6), [fake("a", 999, 2, 8, 8), fake("b", 999, 1, 1, 1)]),
    options,
  );
  assertEquals(result.ratio, 0.5); // of 0.5, 0.25 and 0.75
  assertEquals(result.sides.map(({ samples }) => samples), [[1, 2, 6], [2, 8, 8], [1, 1, 1]]);
  assertEquals(result.sides[0]!.summary, { median: 2, lowest: 1, highest: 6 });
  assertEquals(result.sides[2]!.ratio, 2);
  assertEquals(result.sides[1]!.peakMemory, 77.5);
  assertEquals(result.sides[1]!.versions, { fake: "1.2.3" });
});

Deno.test("runRow() starts a process for each sample of a fresh row, without a warm-up", async () => {
  const result = await runRow(row(fake("ours", 3, 999), [], { fresh: true, rounds: 2 }), options);
  assertEquals(result.sides[0]!.samples, [3, 3]);
  assertEquals(result.ratio, 3); // our own value, as there is no peer
});

Deno.test("runRow() goes on without a peer that cannot take part or fails", async () => {
  const result = await runRow(
    row(fake("ours", 9, 4, 4), [fake("a", 9, 2, "fail"), fake("b", "cannot"), fake("c", 9, 8, 8)]),
    { ...options, rounds: 2 },
  );
  const [ours, a, b, c] = result.sides;
  assertEquals(result.ratio, undefined);
  assertEquals(ours!.summary!.median, 4);
  assertStringIncludes(a!.reason!, "made up to fail");
  assertEquals(b!.reason, "find its processor");
  assertEquals(c!.ratio, 0.5);
});

Deno.test("runRow() has no ratio if our side fails", async () => {
  const result = await runRow(row(fake("ours", "fail"), [fake("a", 9, 8, 8, 8)]), options);
  assertEquals(result.ratio, undefined);
  assertEquals(result.sides[1]!.samples, [8, 8, 8]);
});
