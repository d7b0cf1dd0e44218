import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "node:path";
import { FILM_SIZE, loadDataset } from "@/data/mod.ts";
import type { Member, Run } from "@/experiments/mod.ts";
import { ensembleViews, loadEnsemble, resizeBilinear } from "@/postprocessing/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { tinyExperiment, writeRun, writeSmallDataset } from "./trained_runs.ts";

Deno.test("ensembleViews() shows the parts of what the ensemble says", async () => {
  await withFolder(async (root) => {
    await writeSmallDataset(root);
    const runs = join(root, "runs");
    const experiment = await tinyExperiment();
    const final = (run: Run): Member => ({ run, checkpoint: "final" });
    const members = [
      final(await writeRun(experiment, root, { final: 1 }, { runs })),
      final(await writeRun(experiment, root, { final: 2 }, { runs })),
    ];
    const film = (await loadDataset(root)).train[0]!;
    const views = await ensembleViews(members, film, { root, size: 16, runs });

    assertEquals(views.members.map(({ member }) => member), members);
    const ensemble = await loadEnsemble(members, { flip: true, runs });
    const { value } = await ensemble.predict([film], { root }).next();
    ensemble.dispose();
    const whole = resizeBilinear(value!.probabilities, FILM_SIZE, 16);
    for (const [i, expected] of whole.entries()) {
      assertAlmostEquals(views.mean[i]!, expected, 1e-6);
      for (const { plain, mirrored, mean } of views.members) {
        assertAlmostEquals((plain[i]! + mirrored[i]!) / 2, mean[i]!, 1e-6);
      }
    }
    const [first, second] = views.members;
    assert(first!.plain.some((value, i) => Math.abs(value - first!.mirrored[i]!) > 1e-3));
    assert(first!.plain.some((value, i) => Math.abs(value - second!.plain[i]!) > 1e-3));
  });
});
