import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "@/cli/train.ts";
import { listExperiments, listRuns, type Run } from "@/experiments/mod.ts";
import { writePhantomDataset } from "@/phantom/mod.ts";
import "@/tensorflow/mod.ts"; // loaded by the command otherwise, and left loaded after the test

const SCRIPT = fileURLToPath(new URL("../../src/cli/train.ts", import.meta.url));

/** A few films for all tests. */
const DATA = await Deno.makeTempDir({ prefix: "phantom-" });
globalThis.addEventListener("unload", () => Deno.removeSync(DATA, { recursive: true }));
await writePhantomDataset({ directory: DATA, train: 16, test: 0, seed: 1, workers: 1 });

/** A stage small enough for seconds. */
const SMALL = [
  "data.size=64",
  "data.split.validation=0.4",
  "model.startFilters=2",
  "training.batch=2",
  "validation.batch=2",
];

function settings(...others: string[]): string[] {
  return [...SMALL, ...others].flatMap((setting) => ["--set", setting]);
}

/** A folder of runs that is gone afterwards, and the command that trains into it. */
class Runs {
  readonly folder = Deno.makeTempDirSync();

  start(args: string[]): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", SCRIPT, "--data", DATA, ...args],
      env: { NO_COLOR: "1", PNEUMOTHORAX_RUNS: this.folder, PNEUMOTHORAX_QUICK: "0" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async train(...args: string[]) {
    const { code, stdout, stderr } = await this.start(args).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), error: text(stderr) };
  }

  /** Trains, and stops it as Ctrl-C does at the first batch of its n-th stage. */
  async stopInStage(number: number, ...args: string[]) {
    const process = this.start(args);
    const out = new Response(process.stdout).text();
    let error = "", isStopped = false;
    for await (const chunk of process.stderr.pipeThrough(new TextDecoderStream())) {
      error += chunk;
      const stages = error.match(/^training 2\//gm)?.length ?? 0;
      if (isStopped || stages < number) continue;
      isStopped = true;
      process.kill("SIGINT");
    }
    const { code } = await process.status;
    return { code, out: await out, error };
  }

  async of(experiment: string): Promise<Run[]> {
    const { runs, unreadable } = await listRuns({ experiment, runs: this.folder });
    assertEquals(unreadable, []);
    return runs;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** Runs the command in this process; an error that it did not expect would be printed whole. */
async function quickly(
  args: string[],
): Promise<{ code: number; out: unknown[]; error: unknown[] }> {
  const { log, error } = console;
  const printed = { out: [] as unknown[], error: [] as unknown[] };
  console.log = (...words: unknown[]) => printed.out.push(...words);
  console.error = (...words: unknown[]) => printed.error.push(...words);
  try {
    return { code: await main(args), ...printed };
  } finally {
    Object.assign(console, { log, error });
  }
}

const STAGE = "phantom/1-128";

/** A folder that holds no data set. */
const NO_DATASET = fileURLToPath(new URL(".", import.meta.url));

const CALLS: [args: string[], code: number, ...messages: string[]][] = [
  [[], 2, "no experiment is named", "deno task train --help"],
  [["--lits"], 2, "--lits", "deno task train --help"],
  [[STAGE, "--data"], 2, "--data", "deno task train --help"],
  [[STAGE, "--workers", "0"], 2, "--workers must be a number above 0: 0"],
  [[STAGE, "--workers", "1.5"], 2, "--workers must be a whole number: 1.5"],
  [[STAGE, "--worker-timeout", "soon"], 2, "--worker-timeout must be a number above 0: soon"],
  [["phantom/1-129"], 1, 'did you mean "phantom/1-128"?'],
  [[STAGE, "siim/1-265"], 1, 'did you mean "siim/1-256"?'],
  [
    [STAGE, "--set", "training.epoch=1"],
    1,
    '--set training.epoch=1: training.epoch: unknown key, did you mean "epochs"?',
  ],
  [[STAGE, "--set", "training.epochs"], 1, "--set training.epochs: must be a field's path, =, and"],
  [[STAGE, "--set", "data.size=65"], 1, "--set data.size=65: data.size"],
  [
    [STAGE, "--data", "/no/such/folder"],
    1,
    "its folder is missing: /no/such/folder",
    "`deno task phantom`",
    "--data DIR",
  ],
  [[STAGE, "--data", NO_DATASET], 1, "it has no folder dicom-images-train"],
];
for (const [args, code, ...messages] of CALLS) {
  const name = args.join(" ").replace(NO_DATASET, "FOLDER");
  Deno.test(`train ${name || "without a name"} ends with ${code} and says what to do`, async () => {
    const result = await quickly(args);
    assertEquals(result.code, code);
    assert(result.error.every((word) => typeof word === "string"), "a stack trace");
    for (const message of messages) assertStringIncludes(result.error.join("\n"), message);
  });
}

Deno.test("train refuses a cluster that makes no sense", async () => {
  Deno.env.set(
    "TF_CONFIG",
    '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 3}}',
  );
  try {
    const { code, error } = await quickly([STAGE]);
    assertEquals(code, 1);
    assertStringIncludes(error.join("\n"), "there is no task worker 3 that trains");
  } finally {
    Deno.env.delete("TF_CONFIG");
  }
});

Deno.test("train --workers 2 trains in two processes, with one record", async () => {
  using runs = new Runs();
  const settingsOfOne = settings("training.epochs=1");
  const { code, out, error } = await runs.train(STAGE, "--workers", "2", ...settingsOfOne);
  assertEquals(code, 0, error);
  assertMatch(out, /^epoch 1: loss/m);
  const [run, ...others] = await runs.of(STAGE);
  assertEquals([run?.status, run?.workers, others], ["finished", 2, []]);
});

Deno.test("train --list names the experiments, and --help tells the options", async () => {
  const list = await quickly(["--list"]);
  assertEquals([list.code, list.error], [0, []]);
  assertEquals(list.out.join("\n").split("\n"), await listExperiments());
  using runs = new Runs();
  const help = await runs.train("--help");
  assertEquals([help.code, help.error], [0, ""]);
  for (const option of ["deno task train EXPERIMENT", "--data", "--set", "--list", "--help"]) {
    assertStringIncludes(help.out, option);
  }
});

Deno.test("train refuses a stage whose parent has not been trained, and names the command", async () => {
  using runs = new Runs();
  const { code, error } = await runs.train("phantom/2-192", ...settings());
  assertEquals(code, 1);
  assertStringIncludes(error, "its parent phantom/1-128 has no finished run");
  assertStringIncludes(error, 'Run "deno task train phantom/1-128" first');
  assertEquals(/^\s+at /m.test(error), false, error);
  assertEquals(await runs.of("phantom/2-192"), []);
});

Deno.test("train trains a stage, and writes its record", async () => {
  using runs = new Runs();
  const { code, out, error } = await runs.train(STAGE, ...settings("training.epochs=1"));
  assertEquals(code, 0, error);
  const [run, ...others] = await runs.of(STAGE);
  assertEquals(others, []);
  assertEquals([run!.status, run!.metrics.length], ["finished", 1]);
  assertEquals(run!.experiment.data.size, 64);
  assertEquals(run!.data.root, basename(DATA));
  const { train: films, validation } = run!.data.films;
  // Of so few films for validation it may be that none is positive.
  const lines = out.replaceAll(/\b\d+\.\d+\b/g, "N").replace(", over positives N", "").split("\n");
  assertEquals(lines, [
    `phantom/1-128: ${run!.experiment.description}`,
    `run ${run!.id}: ${films} films, ${validation} for validation`,
    "epoch 1: loss N, dice N, validation loss N, validation dice N, N s",
    `finished: ${runs.folder}/${run!.id}`,
    "",
  ]);
  const whole = films - films % 2;
  assertStringIncludes(error, `training ${whole}/${whole} films (100%), `);
});

Deno.test("train that is stopped in its second stage tells how to go on, and goes on", async () => {
  const child = "phantom/2-192";
  const options = settings("training.epochs=4");
  using runs = new Runs();

  const stopped = await runs.stopInStage(2, STAGE, child, ...options);
  assertEquals(stopped.code, 130, stopped.error);
  const message = `Stopped by SIGINT. To go on: deno task train ${child}, with the same options\n`;
  assertEquals(stopped.error.endsWith(message), true, stopped.error);
  const [parent] = await runs.of(STAGE);
  assertStringIncludes(stopped.out, `finished: ${runs.folder}/${parent!.id}`);
  assertEquals([parent!.status, parent!.metrics.length], ["finished", 4]);
  const [interrupted] = await runs.of(child);
  assertEquals([interrupted!.status, interrupted!.reason], ["interrupted", "Stopped by SIGINT"]);
  assertEquals(interrupted!.parent!.run, parent!.id);
  assertLess(interrupted!.metrics.length, 4);

  const { code, out, error } = await runs.train(child, ...options);
  assertEquals(code, 0, error);
  assertMatch(out, new RegExp(`^run ${interrupted!.id}: .*, going on after epoch \\d$`, "m"));
  const [finished, ...others] = await runs.of(child);
  assertEquals([finished!.id, others], [interrupted!.id, []]);
  assertEquals([finished!.status, finished!.resumed.length], ["finished", 1]);
  assertEquals(finished!.metrics.map(({ epoch }) => epoch), [1, 2, 3, 4]);
  assertEquals((await runs.of(STAGE)).length, 1, "the first stage is not trained anew");
});

Deno.test("train --unfinished leaves a finished stage as it is, and trains another one", async () => {
  using runs = new Runs();
  const one = [STAGE, "--unfinished", ...settings("training.epochs=1")];
  const first = await runs.train(...one);
  assertEquals(first.code, 0, first.error);
  const again = await runs.train(...one);
  assertEquals([again.code, (await runs.of(STAGE)).length], [0, 1], again.error);
  assertStringIncludes(again.out, `finished: ${runs.folder}/${(await runs.of(STAGE))[0]!.id}`);
  const other = await runs.train(...one, "--set", "seed=2");
  assertEquals([other.code, (await runs.of(STAGE)).length], [0, 2], other.error);
});
