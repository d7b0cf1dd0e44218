import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { join } from "node:path";
import type { EpochMetrics } from "@/experiments/mod.ts";
import { findTensorFlow } from "@/tensorflow/mod.ts";
import { crc32c, EventFile, historyCsv, writeHistory } from "@/training/mod.ts";

/** The second epoch is not validated, the third one has no film to take precision from. */
const METRICS: EpochMetrics[] = [
  { epoch: 1, loss: 0.5, validationLoss: 0.25, validationDicePositive: 0.75 },
  { epoch: 2, loss: 0.125, learningRate: 1e-7 },
  { epoch: 3, loss: -2, validationLoss: NaN, learningRate: 1 / 3 },
];

Deno.test("historyCsv() has a column for each metric, empty where there is none", () => {
  assertEquals(
    historyCsv(METRICS),
    `epoch,loss,validationLoss,validationDicePositive,learningRate
1,0.5,0.25,0.75,
2,0.125,,,1e-7
3,-2,NaN,,0.3333333333333333
`,
  );
  assertEquals(historyCsv([]), "epoch\n");
});

Deno.test("writeHistory() replaces the table", async () => {
  const folder = await Deno.makeTempDir();
  await writeHistory(folder, METRICS);
  await writeHistory(folder, METRICS.slice(0, 1));
  assertEquals(await Deno.readTextFile(join(folder, "history.csv")), historyCsv([METRICS[0]!]));
  assertEquals([...Deno.readDirSync(folder)].length, 1);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("crc32c() gives the checksums of RFC 3720, appendix B.4", () => {
  const bytes = (value: (i: number) => number) =>
    Uint8Array.from({ length: 32 }, (_, i) => value(i));
  assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assertEquals(crc32c(new Uint8Array(0)), 0);
  assertEquals(crc32c(bytes(() => 0)), 0x8a9136aa);
  assertEquals(crc32c(bytes(() => 0xff)), 0x62a8ab43);
  assertEquals(crc32c(bytes((i) => i)), 0x46dd794e);
  assertEquals(crc32c(bytes((i) => 31 - i)), 0x113fdb5c);
});

const READ = `
import json, sys
import tensorflow as tf
events = tf.compat.v1.train.summary_iterator(sys.argv[1])
for e in events:
    values = [[v.tag, v.simple_value] for v in e.summary.value]
    print(json.dumps([e.step, e.wall_time, e.file_version, values]))
`;

Deno.test("EventFile is read by TensorFlow, with the epochs before it and those added", async () => {
  const folder = await Deno.makeTempDir();
  const started = Date.now() / 1000;
  await Deno.writeTextFile(join(folder, "events.out.tfevents.1.old"), "of the run before");
  const file = await EventFile.start(folder, METRICS.slice(0, 2));
  await file.add(METRICS[2]!);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => join(folder, name)), [file.path]);

  const { stdout } = await new Deno.Command(findTensorFlow().python ?? "python3", {
    args: ["-c", READ, file.path],
    env: { TF_CPP_MIN_LOG_LEVEL: "3" },
    stderr: "null",
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  // Python writes NaN, which JSON does not know.
  const events = lines.map((line) => JSON.parse(line.replace("NaN", "null")));
  assertEquals(events.map(([step, , version, values]) => [step, version, values]), [
    [0, "brain.Event:2", []],
    [1, "", [
      ["training/loss", 0.5],
      ["validation/loss", 0.25],
      ["validation/dicePositive", 0.75],
    ]],
    [2, "", [["training/loss", 0.125], ["training/learningRate", Math.fround(1e-7)]]],
    [3, "", [
      ["training/loss", -2],
      ["validation/loss", null],
      ["training/learningRate", Math.fround(1 / 3)],
    ]],
  ]);
  for (const [, seconds] of events) {
    assertGreater(seconds, started - 1);
    assertLess(seconds, started + 60);
  }
  await Deno.remove(folder, { recursive: true });
});
