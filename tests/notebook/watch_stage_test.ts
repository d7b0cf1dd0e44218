import { assert, assertEquals, assertMatch } from "@std/assert";
import type { EpochMetrics, Run } from "@/experiments/mod.ts";
import { clearBar, type StageWatcher, watchStage } from "@/notebook/mod.ts";

/** What a watcher prints where lines cannot be replaced: on standard output and on standard error. */
async function printed(
  watch: (watcher: StageWatcher) => void | Promise<void>,
): Promise<{ out: string[]; error: string[] }> {
  const lines = { out: [] as string[], error: [] as string[] };
  const { log, error } = console;
  const { isTerminal } = Deno.stderr;
  console.log = (line: string) => lines.out.push(line);
  console.error = (line: string) => lines.error.push(line);
  Deno.stderr.isTerminal = () => false;
  try {
    await watch(watchStage());
  } finally {
    Object.assign(console, { log, error });
    Deno.stderr.isTerminal = isTerminal;
  }
  return lines;
}

function runOf(changes: Partial<Run>): Run {
  return {
    id: "20260101-120000-phantom-1-128-abcd",
    data: { films: { train: 12, validation: 4, test: 0 } },
    resumed: [],
    workers: 1,
    metrics: [],
    ...changes,
  } as unknown as Run;
}

function prepareAll(watcher: StageWatcher, total: number, from: number, excluded = 0): void {
  for (let done = from + 1; done <= total; done++) {
    watcher.onPrepare({ done, total, reused: from, excluded: done === total ? excluded : 0 });
  }
}

Deno.test("watchStage() tells when films are prepared, up to the last one", async () => {
  const { out, error } = await printed((watcher) => prepareAll(watcher, 40, 0));
  assertEquals(out, []);
  assertEquals(error.length, 2);
  assertEquals(error[0], "preparing 1/40 films (2%)");
  assertMatch(error[1]!, /^preparing 40\/40 films \(100%\), \S+ films\/s, took \d/);
});

Deno.test("watchStage() tells nothing of films that are there already", async () => {
  const ready = await printed(({ onPrepare }) => {
    for (let done = 1; done <= 40; done++) {
      onPrepare({ done, total: 40, reused: done, excluded: 0 });
    }
  });
  assertEquals(ready, { out: [], error: [] });
  // Going on where preparing had been stopped: the films of the last time have no share in the speed.
  const { error } = await printed((watcher) => prepareAll(watcher, 40, 39));
  assertEquals(error[0], "preparing 40/40 films (100%)");
  assertMatch(error[1]!, /^preparing 40\/40 films \(100%\), took \d/);
});

Deno.test("watchStage() tells which run it is, and after which epoch it goes on", async () => {
  const { out } = await printed(({ onStart }) => {
    onStart(runOf({}));
    const metrics = [{ epoch: 1 }, { epoch: 2 }];
    const resumedOn = (workers: number) =>
      [{ time: "", afterEpoch: 2, workers }] as unknown as Run["resumed"];
    onStart(runOf({ resumed: resumedOn(1), metrics }));
    onStart(runOf({ workers: 2 }));
    onStart(runOf({ workers: 2, resumed: resumedOn(2), metrics }));
    onStart(runOf({ workers: 2, resumed: resumedOn(3), metrics }));
  });
  const start = "run 20260101-120000-phantom-1-128-abcd: 12 films, 4 for validation";
  assertEquals(out, [
    start,
    `${start}, going on after epoch 2`,
    `${start}, with 2 workers`,
    `${start}, going on after epoch 2, with 2 workers`,
    `${start}, going on after epoch 2, with 3 workers instead of 2`,
  ]);
});

/** Goes through a stage's batches of 4 films, three an epoch. */
function train({ onBatch }: StageWatcher, epochs: number, firstBatch = 0): void {
  for (let i = firstBatch; i < 3 * epochs; i++) {
    onBatch({
      epoch: 1 + Math.floor(i / 3),
      epochs,
      batch: 1 + i % 3,
      batches: 3,
      films: 4 * (i + 1),
      filmsInAll: 12 * epochs,
      loss: 1 / (i + 1),
    });
  }
}

Deno.test("watchStage() tells the films gone through, the epoch and the loss", async () => {
  const { error } = await printed((watcher) => train(watcher, 2));
  // In a log there is a line at first, one every half minute, and the last.
  assertEquals(error.length, 2);
  assertEquals(error[0], "training 4/24 films (16%), epoch 1/2, loss 1.000");
  assertMatch(
    error[1]!,
    /^training 24\/24 films \(100%\), .+, took \S+ s, epoch 2\/2, loss 0.167$/,
  );

  const goingOn = await printed((watcher) => train(watcher, 2, 4));
  assertEquals(goingOn.error[0], "training 20/24 films (83%), epoch 2/2, loss 0.200");
  const oneBatch = await printed((watcher) => train(watcher, 2, 5));
  assertMatch(oneBatch.error.at(-1)!, /^training 24\/24 films \(100%\), took /);
});

const EPOCH: EpochMetrics = {
  epoch: 2,
  learningRate: 1e-3,
  loss: 0.51234,
  dice: 0.4,
  validationLoss: 0.6,
  validationDice: 0.7,
  validationDicePositive: 0.25,
  seconds: 12.34,
};

Deno.test("watchStage() tells the last epoch's metrics, and only those there are", async () => {
  const { out, error } = await printed(async ({ onEpoch }) => {
    await onEpoch([{ epoch: 1, loss: 9 }, EPOCH]);
    await onEpoch([{ epoch: 1, loss: 0.5, dice: 0.25, seconds: 3 }]);
    // No positive film in the validation: there is no such mean.
    await onEpoch([{ ...EPOCH, validationDicePositive: NaN }]);
  });
  assertEquals(out, [
    "epoch 2: loss 0.512, dice 0.400, validation loss 0.600, validation dice 0.700, " +
    "over positives 0.250, 12.3 s",
    "epoch 1: loss 0.500, dice 0.250, 3.0 s",
    "epoch 2: loss 0.512, dice 0.400, validation loss 0.600, validation dice 0.700, 12.3 s",
  ]);
  assertEquals(error, []);
});

Deno.test("clearBar() empties the line on a terminal, and does nothing elsewhere", () => {
  const { isTerminal, writeSync } = Deno.stderr;
  let written = "";
  Deno.stderr.writeSync = (bytes) => {
    written += new TextDecoder().decode(bytes);
    return bytes.length;
  };
  try {
    Deno.stderr.isTerminal = () => false;
    clearBar();
    assertEquals(written, "");
    Deno.stderr.isTerminal = () => true;
    clearBar();
  } finally {
    Object.assign(Deno.stderr, { isTerminal, writeSync });
  }
  assert(written.startsWith("\r"));
  assertEquals(written, "\r\x1b[K");
});
