import { type Checkpoint, loadStage, RunRecord } from "@/experiments/mod.ts";
import { sha256 } from "@/files/mod.ts";

/** Writes the record of a finished run of a stage, and returns its id. */
export async function finishStage(number: number): Promise<string> {
  const record = await RunRecord.start({
    experiment: await loadStage(number),
    data: {
      root: "films",
      hash: sha256("films"),
      films: { train: 4, validation: 2, test: 0 },
      excluded: [],
    },
  });
  const last: Checkpoint = { file: "last.bin", sha256: sha256("last"), epoch: 1, value: 0.5 };
  await record.epoch({ epoch: 1 }, { last, final: last });
  await record.finish();
  return record.run.id;
}
