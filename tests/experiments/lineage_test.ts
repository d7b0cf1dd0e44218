import { assertEquals } from "@std/assert";
import { lineage, type Run } from "@/experiments/mod.ts";

/** A run of which only its descent is of interest. */
function run(id: string, started: string, parent?: string): Run {
  const reference = { run: parent, checkpoint: "final", sha256: "" };
  return { id, started, parent: parent === undefined ? null : reference } as unknown as Run;
}

Deno.test("lineage() puts each run below its parent, the older first", () => {
  const runs = [
    run("c", "2026-03", "a"),
    run("a", "2026-01"),
    run("e", "2026-05", "b"),
    run("b", "2026-02", "a"),
    run("d", "2026-04", "gone"),
  ];
  assertEquals(lineage(runs).map(({ branch, run: { id } }) => branch + id), [
    "a",
    "├─ b",
    "│  └─ e",
    "└─ c",
    "d",
  ]);
  assertEquals(lineage([]), []);
});
