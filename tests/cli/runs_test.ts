import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { main } from "@/cli/runs.ts";
import { listRuns, loadExperiment, readRun } from "@/experiments/mod.ts";
import { trainStage } from "@/training/mod.ts";
import { tinyExperiment, writeRun, writeSmallDataset } from "../postprocessing/trained_runs.ts";
import { captured } from "./console.ts";
import { withRuns } from "./with_runs.ts";

const runs = (...args: string[]) => captured(() => main(args));

const SMALL = ["training.batch=2", "training.epochs=2", "validation.batch=2"];

/** A data set and two runs, the second trained on from the first. */
async function twoRuns(folder: string) {
  const root = join(folder, "films");
  await writeSmallDataset(root);
  const experiment = await tinyExperiment(...SMALL);
  const first = await trainStage(experiment, { root });
  const child = await loadExperiment("phantom/2-192", {
    quick: false,
    overrides: [
      "data.size=32",
      "data.split.validation=0.5",
      "model={ architecture: unet, startFilters: 1, prior: 0.5 }",
      ...SMALL,
    ],
  });
  const second = await trainStage(child, { root });
  return { root, experiment, first, second };
}

Deno.test("runs lists runs as a tree, and repeats one to the same metrics and weights", () =>
  withRuns(async (folder) => {
    const { root, experiment, first, second } = await twoRuns(folder);
    const listed = (await runs()).out.split("\n");
    assertMatch(listed[0]!, /^run +status +epochs +best dice +minutes +started$/);
    assertMatch(listed[1]!, new RegExp(`^${first.id} +finished +2/2 +[01]\\.\\d{3} +0\\.\\d +20`));
    assert(listed[2]!.startsWith(`└─ ${second.id}`), listed[2]);
    assertEquals((await runs("--status", "failed")).out.split("\n").length, 1);

    for (const name of ["lineage.svg", "lineage.png"]) {
      const drawn = await runs("--lineage", join(folder, name));
      assertEquals([drawn.code, drawn.error], [0, ""]);
    }
    const svg = await Deno.readTextFile(join(folder, "lineage.svg"));
    assertStringIncludes(svg, `>phantom/2-192 (${second.id.slice(-4)}), dice `);
    const png = await Deno.readFile(join(folder, "lineage.png"));
    assertEquals(png.subarray(1, 4), new TextEncoder().encode("PNG"));

    // A newer run of the parent: the repetition must go on from the one that was used.
    await trainStage({ ...experiment, seed: 5 }, { root });
    const repeated = await runs("--repeat", second.id, "--data", root);
    assertEquals(repeated.code, 0, repeated.error);
    assertStringIncludes(repeated.out, `All metrics of 2 epochs are those of ${second.id}`);
    const again = (await listRuns({ experiment: second.experiment.name })).runs
      .find(({ id }) => id !== second.id)!;
    assertEquals((await readRun(again.id)).repeats, second.id);
    assertEquals(again.parent, second.parent);

    const other = await runs("--repeat", first.id, "--data", folder);
    assertEquals(other.code, 1);
    await Deno.remove(join(root, "dicom-images-train", "study.film-0"), { recursive: true });
    const films = await runs("--repeat", first.id, "--data", root);
    assertEquals(films.code, 1);
    assertStringIncludes(films.error, `Cannot repeat ${first.id} as its films were others`);
  }));

Deno.test("runs refuses what it cannot do, without a stack", () =>
  withRuns(async (folder) => {
    const root = join(folder, "films");
    await writeSmallDataset(root);
    const { id } = await writeRun(await tinyExperiment(), root, {}, { finished: false });
    const cases: [args: string[], code: number, message: string][] = [
      [["--status", "done"], 2, "--status must be running, finished, failed, interrupted: done"],
      [["--repeat", id], 2, `Cannot repeat ${id} as it is not finished: interrupted`],
      [["--repeat", "nothing"], 1, "there is no such file"],
      [["--lineage", "runs.pdf"], 2, "--lineage must end in .svg or .png: runs.pdf"],
      [["--lineage", "a.svg", "--status", "running"], 1, "there is no run"],
      [["extra"], 2, "extra"],
      [
        ["--repeat", id, "--lineage", join(folder, "a.svg")],
        2,
        "with --lineage, which is for a list",
      ],
      [["--repeat", id, "--status", "running"], 2, "with --status, which is for a list"],
      [["--data", root], 2, "with --data, which is for --repeat"],
    ];
    for (const [args, code, message] of cases) {
      const result = await runs(...args);
      assertEquals(result.code, code, args.join(" "));
      assertStringIncludes(result.error, message);
      assert(!result.error.includes("    at "), result.error);
    }
  }));
