/**
 * Trains {@linkcode tinyStage}, saves after every batch, and kills itself at a moment, as `kill -9` or a
 * lost machine would: `kill_stage.ts RUNS MOMENT`. See {@linkcode Moment}.
 */
import { trainStage } from "@/training/mod.ts";
import { tinyStage } from "./discs.ts";

/**
 * `window 2`: in the middle of a window of epoch 2; `validation 1`: while epoch 1 is validated;
 * `average 3`: as the 3rd film is read for the averages of weights; `read 7`: as the 7th film of all is
 * read; `after 80`: 80 ms after it was started.
 */
export type Moment = `${"window" | "validation" | "average" | "read" | "after"} ${number}`;

if (import.meta.main) {
  const [runs, moment] = Deno.args as [string, Moment];
  const [kind, text] = moment.split(" ");
  const number = Number(text);
  const { experiment, data } = await tinyStage("training.checkpointMinutes=1e-9");
  const { validation } = data.split;
  const { prepared } = data;
  let epoch = 1, reads = 0, readsForAverages = 0;
  const die = () => Deno.kill(Deno.pid, "SIGKILL");
  const readImage = (imageId: string) => {
    reads++;
    if (epoch > experiment.training.epochs) readsForAverages++;
    if (kind === "read" && reads === number) die();
    if (kind === "validation" && epoch === number && imageId === validation[2]!.imageId) die();
    if (kind === "average" && readsForAverages === number) die();
    return prepared.readImage(imageId);
  };
  if (kind === "after") setTimeout(die, number);
  await trainStage(experiment, {
    data: { ...data, prepared: Object.assign(Object.create(prepared), { readImage }) },
    runs,
    onStart: ({ metrics }) => void (epoch = metrics.length + 1),
    onBatch: (progress) => {
      if (kind === "window" && progress.epoch === number && progress.batch === 2) die();
    },
    onEpoch: (metrics) => void (epoch = metrics.length + 1),
  });
}
