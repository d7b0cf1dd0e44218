import { assertEquals, assertRejects } from "@std/assert";
import { finishedRuns, MissingRunError, notebookStages } from "@/notebook/mod.ts";
import { withRuns } from "../cli/with_runs.ts";
import { finishStage } from "./finish_stage.ts";

function file(...cells: [type: string, source: string | string[]][]): string {
  return JSON.stringify({ cells: cells.map(([cell_type, source]) => ({ cell_type, source })) });
}

const FILES: [what: string, text: string, stages: number[], trains: boolean][] = [
  ["without stages", file(["markdown", "# T"], ["code", "1 + 1"]), [], false],
  [
    "that trains two",
    file(["code", "const a = await loadStage(2);"], ["code", [
      "await trainStage(a);\n",
      "const b = await loadStage(3);\n",
      "look(await loadStage(1));",
    ]]),
    [2, 3],
    true,
  ],
  [
    "that only reads",
    file(["code", "loadStage(5)"], ["markdown", "loadStage(1) trainStage("]),
    [5],
    false,
  ],
];
for (const [what, text, stages, trains] of FILES) {
  Deno.test(`notebookStages() of a notebook ${what}`, () => {
    assertEquals(notebookStages(text), { stages, trains });
  });
}

Deno.test("finishedRuns() finds the runs of stages, or names the notebook to run first", () =>
  withRuns(async () => {
    await assertRejects(
      () => finishedRuns(1),
      MissingRunError,
      "Cannot go on as phantom/1-128 has not been trained to its end. Run 03-training-256.ipynb " +
        "first, here or with: deno task notebooks 03",
    );
    const [first, third] = [await finishStage(1), await finishStage(3)];
    assertEquals((await finishedRuns(3, 1)).map(({ id }) => id), [third, first]);
    await assertRejects(() => finishedRuns(1, 2), MissingRunError, "phantom/2-192");
  }));
