import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import { sha256 } from "@/files/mod.ts";
import {
  applyOverrides,
  type Checkpoint,
  configurationHash,
  findParentRun,
  findResumable,
  findRun,
  listRuns,
  loadExperiment,
  readRun,
  type RunData,
  runFile,
  RunRecord,
  RunRecordError,
  type RunStart,
} from "@/experiments/mod.ts";
import { describeGit } from "@/experiments/surroundings.ts";

const experiment = await loadExperiment("phantom/1-128", { quick: false });
const child = await loadExperiment("phantom/2-192", { quick: false });
const data: RunData = {
  root: "phantom-clear",
  hash: sha256("films"),
  films: { train: 204, validation: 36, test: 60 },
  excluded: [{ id: "1.2.3", reason: "it has no row in train-rle.csv" }],
};
const parent = { run: "an-id", checkpoint: "final", sha256: sha256("weights") } as const;

function checkpointOf(epoch: number): Checkpoint {
  return { file: `last-${epoch}.bin`, sha256: sha256(`${epoch}`), epoch, value: null };
}

/** Runs a test with a folder for run records, which is removed at the end. */
async function withRuns(use: (runs: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(join(folder, "runs"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function start(runs: string, options: Partial<RunStart> = {}): Promise<RunRecord> {
  return RunRecord.start({ experiment, data, runs, ...options });
}

/** Changes a record's text, as if something else than the program had written it. */
async function edit(id: string, runs: string, change: (text: string) => string): Promise<void> {
  const text = await Deno.readTextFile(runFile(id, runs));
  const changed = change(text);
  assertNotEquals(changed, text, "the change must change something");
  await Deno.writeTextFile(runFile(id, runs), changed);
}

Deno.test("RunRecord.start() records all that is needed to repeat the run", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs, { parent, versions: { tensorflow: "2.20.0" }, gpu: "none" });
    assertMatch(record.id, /^\d{8}-\d{6}-phantom-1-128-[0-9a-f]{4}$/);
    assertEquals(record.folder, join(runs, record.id));
    const run = await readRun(record.id, runs);
    assertEquals(run, record.run);
    assertEquals([run.status, run.reason, run.finished], ["running", null, null]);
    assertEquals(run.experiment, experiment);
    assertEquals(run.configuration, configurationHash(experiment));
    assertEquals<unknown>([run.parent, run.data], [parent, data]);
    assertEquals(run.seeds, { training: 1, split: 1 });
    assertEquals([run.versions.deno, run.versions.tensorflow, run.versions.tfjs], [
      Deno.version.deno,
      "2.20.0",
      "4.22.0",
    ]);
    assertEquals([run.process.pid, run.device.gpu], [Deno.pid, "none"]);
    assertGreaterOrEqual(run.device.memory, 2 ** 28);
    assertEquals([run.resumed, run.checkpoints, run.metrics], [[], {}, []] as unknown[]);
  });
});

Deno.test("RunRecord.start() records pretrained weights, and older records have none", async () => {
  await withRuns(async (runs) => {
    const pretrained = { file: "b0.safetensors", sha256: sha256("b0") };
    const { id } = await start(runs, { pretrained });
    assertEquals((await readRun(id, runs)).pretrained, pretrained);
    const scratch = await start(runs);
    assertEquals(scratch.run.pretrained, null);
    await edit(scratch.id, runs, (text) => text.replace("pretrained: null\n", ""));
    assertEquals((await readRun(scratch.id, runs)).pretrained, null);
  });
});

Deno.test("RunRecord.start() keeps none of the environment's secrets", async () => {
  Deno.env.set("PNEUMOTHORAX_TEST_TOKEN", "hunter2");
  Deno.env.set("TF_DETERMINISTIC_OPS", "1");
  try {
    await withRuns(async (runs) => {
      const { id, run } = await start(runs);
      assertEquals(run.environment["TF_DETERMINISTIC_OPS"], "1");
      assert(!(await Deno.readTextFile(runFile(id, runs))).includes("hunter2"));
    });
  } finally {
    Deno.env.delete("PNEUMOTHORAX_TEST_TOKEN");
    Deno.env.delete("TF_DETERMINISTIC_OPS");
  }
});

Deno.test("RunRecord.start() gives each run its own folder", async () => {
  await withRuns(async (runs) => {
    const records = await Promise.all(Array.from({ length: 8 }, () => start(runs)));
    assertEquals(new Set(records.map(({ id }) => id)).size, 8);
  });
});

Deno.test("RunRecord.start() rejects what could not be read again", async () => {
  await withRuns(async (runs) => {
    await assertRejects(
      () => start(runs, { parent: { ...parent, sha256: "abc" } }),
      TypeError,
      "parent.sha256: must be 64 hexadecimal digits",
    );
  });
});

Deno.test("RunRecord goes from running to finished, epoch by epoch", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs);
    await record.epoch({ loss: 0.1 + 0.2, epoch: 1, dice: 1e-7 });
    await record.epoch({ epoch: 2, loss: NaN, dice: 0.5 }, { last: checkpointOf(2) });
    await record.checkpoint("best-dice", { ...checkpointOf(2), value: 0.5 });
    const text = await Deno.readTextFile(runFile(record.id, runs));
    assertStringIncludes(
      text,
      "metrics:\n" +
        "  - {epoch: 1, loss: 0.30000000000000004, dice: 1e-7}\n" +
        "  - {epoch: 2, loss: .nan, dice: 0.5}\n",
    );
    await record.finish();
    const run = await readRun(record.id, runs);
    assertEquals([run.status, run.finished], ["finished", run.updated]);
    assertEquals(run.metrics.map(({ epoch, loss }) => [epoch, loss]), [
      [1, 0.1 + 0.2],
      [2, NaN],
    ]);
    assertEquals(run.checkpoints, {
      last: checkpointOf(2),
      "best-dice": { ...checkpointOf(2), value: 0.5 },
    });
    assertEquals([...Deno.readDirSync(record.folder)].map(({ name }) => name), ["run.yaml"]);
  });
});

Deno.test("RunRecord writes its fields in the same order each time", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs, { parent });
    const keys = async () =>
      [...(await Deno.readTextFile(runFile(record.id, runs))).matchAll(/^\w+/gm)].map(([key]) =>
        key
      );
    const first = await keys();
    assertEquals(first.slice(0, 6), ["id", "status", "reason", "started", "updated", "finished"]);
    assertEquals(first.slice(-3), ["resumed", "checkpoints", "metrics"]);
    await record.epoch({ epoch: 1, loss: 1 }, { last: checkpointOf(1) });
    await record.interrupt();
    assertEquals(await keys(), first);
    await RunRecord.resume(record.id, { afterEpoch: 1, runs });
    assertEquals(await keys(), first);
  });
});

Deno.test("RunRecord keeps the order of writes that nobody waits for", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs);
    const onDisk = async () => (await readRun(record.id, runs)).metrics.length;
    const epochs = Array.from({ length: 20 }, async (_, i) => {
      await record.epoch({ epoch: i + 1, loss: i });
      assertGreaterOrEqual(await onDisk(), i + 1);
    });
    await Promise.all([...epochs, record.finish()]);
    const run = await readRun(record.id, runs);
    assertEquals([run.status, run.metrics.length], ["finished", 20]);
  });
});

Deno.test("RunRecord.fail() and interrupt() say why", async () => {
  await withRuns(async (runs) => {
    const failed = await start(runs);
    await failed.fail(new RangeError("Cannot train as the loss is not finite: NaN"));
    const run = await readRun(failed.id, runs);
    assertEquals([run.status, run.reason], [
      "failed",
      "RangeError: Cannot train as the loss is not finite: NaN",
    ]);
    const interrupted = await start(runs);
    await interrupted.interrupt("interrupted from the keyboard");
    const other = await readRun(interrupted.id, runs);
    assertEquals([other.status, other.reason, other.finished], [
      "interrupted",
      "interrupted from the keyboard",
      null,
    ]);
  });
});

Deno.test("RunRecord.epoch() rejects an epoch that is not the next, and values that are no numbers", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs);
    await record.epoch({ epoch: 1, loss: 1 });
    for (const epoch of [0, 1, 3, 1.5, NaN]) {
      await assertRejects(() => record.epoch({ epoch }), RangeError, "2 is the next one");
    }
    await assertRejects(
      () => record.epoch({ epoch: 2, loss: "low" as unknown as number }),
      TypeError,
      "metrics.1.loss: must be a number",
    );
    await record.epoch({ epoch: 2, loss: 1 });
    assertEquals((await readRun(record.id, runs)).metrics.length, 2);
  });
});

Deno.test("RunRecord rejects a change of a run that has ended", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs);
    await record.finish();
    const changes = [
      () => record.epoch({ epoch: 1 }),
      () => record.checkpoint("last", checkpointOf(1)),
      () => record.fail(new Error("late")),
      () => record.heartbeat(),
    ];
    for (const change of changes) {
      await assertRejects(change, RunRecordError, "it is not running: finished");
    }
  });
});

Deno.test("RunRecord.finish() that cannot be written leaves the run running", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs);
    const aside = `${record.folder}-aside`;
    await Deno.rename(record.folder, aside);
    await Deno.writeTextFile(record.folder, "in the way");
    await assertRejects(() => record.finish());
    assertEquals(record.run.status, "running");
    await Deno.remove(record.folder);
    await Deno.rename(aside, record.folder);
    assertEquals((await readRun(record.id, runs)).status, "running");
    await record.fail(new Error("no space"));
    assertEquals((await readRun(record.id, runs)).status, "failed");
  });
});

Deno.test("RunRecord.resume() goes on after a checkpoint and forgets what came later", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs);
    await record.epoch({ epoch: 1, loss: 3 }, { last: checkpointOf(1) });
    await record.epoch({ epoch: 2, loss: 2 }, { "best-dice": checkpointOf(2) });
    await record.interrupt();
    const resumed = await RunRecord.resume(record.id, { afterEpoch: 1, runs });
    const run = await readRun(record.id, runs);
    assertEquals(run, resumed.run);
    assertEquals([run.status, run.reason, run.resumed.length], ["running", null, 1]);
    assertEquals([run.resumed[0]!.afterEpoch, run.resumed[0]!.time], [1, run.updated]);
    assertEquals(run.started, record.run.started);
    assertEquals(run.metrics, [{ epoch: 1, loss: 3 }]);
    assertEquals(run.checkpoints, { last: checkpointOf(1) });
    await resumed.epoch({ epoch: 2, loss: 2.5 });
    await resumed.finish();
    assertEquals((await readRun(record.id, runs)).metrics[1], { epoch: 2, loss: 2.5 });
  });
});

Deno.test("RunRecord.resume() rejects a run that is not interrupted, and epochs it did not do", async () => {
  await withRuns(async (runs) => {
    const record = await start(runs);
    const resume = (afterEpoch: number) => () => RunRecord.resume(record.id, { afterEpoch, runs });
    await assertRejects(resume(0), RunRecordError, "it is not interrupted: running");
    await record.epoch({ epoch: 1 });
    await record.interrupt();
    for (const epoch of [-1, 2, 0.5]) {
      await assertRejects(resume(epoch), RangeError, "from 0 to the 1 epochs on record");
    }
  });
});

// what is changed in a running record of this process, and whether it is then taken for dead
const processes: [what: string, change: (text: string) => string, reason: string | null][] = [
  ["the process lives", (text) => text.replace(/\n$/, "\n\n"), null],
  [
    "no process has the number",
    (text) => text.replace(/pid: \d+/, "pid: 99999999"),
    "the process is gone",
  ],
  [
    "another process has the number",
    (text) => text.replace(/ticks: \d+/, "ticks: 1"),
    "the process is gone",
  ],
  [
    "the machine was started anew",
    (text) => text.replace(/boot: .+/, "boot: other"),
    "the process is gone",
  ],
  ["it runs on another machine", (text) => text.replace(/host: .+/, "host: elsewhere"), null],
  [
    "another machine is silent",
    (text) =>
      text.replace(/host: .+/, "host: elsewhere").replace(
        /updated: .+/,
        "updated: 2020-01-01T00:00:00Z",
      ),
    "no sign of life from elsewhere for ",
  ],
];

for (const [what, change, reason] of processes) {
  Deno.test({
    name: `readRun() finds a run ${reason === null ? "running" : "interrupted"} when ${what}`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      withRuns(async (runs) => {
        const { id } = await start(runs);
        await edit(id, runs, change);
        const run = await readRun(id, runs);
        assertEquals(run.status, reason === null ? "running" : "interrupted");
        if (reason !== null) assertStringIncludes(run.reason!, reason);
        const text = await Deno.readTextFile(runFile(id, runs));
        assertStringIncludes(text, `\nstatus: ${run.status}\n`);
      }),
  });
}

Deno.test("readRun() leaves a run as it is that finishes, and ends, while it is read", () =>
  withRuns(async (runs) => {
    const { id } = await start(runs);
    await edit(id, runs, (text) => text.replace(/pid: \d+/, "pid: 99999999"));
    const { readFile } = Deno;
    Deno.readFile = async (path, options) => {
      const bytes = await readFile(path, options);
      Deno.readFile = readFile;
      await edit(id, runs, (text) => text.replace("status: running", "status: finished"));
      return bytes;
    };
    try {
      assertEquals((await readRun(id, runs)).status, "finished");
      assertStringIncludes(await Deno.readTextFile(runFile(id, runs)), "\nstatus: finished\n");
    } finally {
      Deno.readFile = readFile;
    }
  }));

Deno.test("listRuns() leaves out a run that is removed meanwhile", () =>
  withRuns(async (runs) => {
    const { id } = await start(runs);
    const kept = await start(runs);
    const { stat } = Deno;
    Deno.stat = (path) => {
      if (path === runFile(id, runs)) Deno.removeSync(join(runs, id), { recursive: true });
      return stat(path);
    };
    try {
      const { runs: found, unreadable } = await listRuns({ runs });
      assertEquals([found.map(({ id }) => id), unreadable], [[kept.id], []]);
    } finally {
      Deno.stat = stat;
    }
  }));

/** A running record of a Slurm job's first start on another node, and what a process of a job makes of it. */
const slurmStarts: [what: string, job: string, restarts: string, status: string][] = [
  ["the same job was started again", "123", "1", "interrupted"],
  ["it is the same start of the job", "123", "0", "running"],
  ["it is another job", "124", "1", "running"],
];
for (const [what, job, restarts, status] of slurmStarts) {
  Deno.test(`readRun() finds a run on another node ${status} when ${what}`, async () => {
    const names = ["SLURM_JOB_ID", "SLURM_RESTART_COUNT"];
    const before = names.map((name) => Deno.env.get(name));
    try {
      await withRuns(async (runs) => {
        Deno.env.set("SLURM_JOB_ID", "123");
        Deno.env.delete("SLURM_RESTART_COUNT"); // Slurm sets it from the first restart on
        const { id } = await start(runs);
        await edit(id, runs, (text) => text.replace(/host: .+/, "host: elsewhere"));
        Deno.env.set("SLURM_JOB_ID", job);
        Deno.env.set("SLURM_RESTART_COUNT", restarts);
        assertEquals((await readRun(id, runs)).status, status);
      });
    } finally {
      for (const [i, name] of names.entries()) {
        if (before[i] === undefined) Deno.env.delete(name);
        else Deno.env.set(name, before[i]);
      }
    }
  });
}

Deno.test("RunRecord survives kill -9: the record is whole and the run is resumable", async () => {
  await withRuns(async (runs) => {
    const script = `
      import { loadExperiment, RunRecord } from "@/experiments/mod.ts";
      const experiment = await loadExperiment("phantom/1-128", { quick: false });
      const data = ${JSON.stringify(data)};
      const record = await RunRecord.start({ experiment, data, runs: ${JSON.stringify(runs)} });
      for (let epoch = 1;; epoch++) {
        await record.epoch({ epoch, loss: 1 / epoch });
        if (epoch === 5) console.log("five");
      }`;
    const process = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", script],
      cwd: new URL("../../", import.meta.url),
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    for await (const _ of process.stdout) break;
    process.kill("SIGKILL");
    await process.status;
    const run = await findResumable({ experiment, dataHash: data.hash }, runs);
    assertEquals([run?.status, run?.reason], ["interrupted", "the process is gone"]);
    assertGreaterOrEqual(run!.metrics.length, 5);
    assertEquals(run!.metrics.at(-1), {
      epoch: run!.metrics.length,
      loss: 1 / run!.metrics.length,
    });
  });
});

// what is changed in a record's text, and the reason why it then cannot be read
const corruptions: [what: string, change: (text: string) => string, reason: string][] = [
  ["cut off", (text) => text.slice(0, text.indexOf("metrics:")), "metrics: "],
  ["empty", () => "", "it does not have the form of one"],
  ["not YAML", (text) => text + "  ] x\n", "it is not YAML"],
  [
    "with references that would become millions of values",
    (text) =>
      text + Array.from(
        { length: 9 },
        (_, i) => `b${i}: &b${i} [${Array(9).fill(i === 0 ? "x" : `*b${i - 1}`)}]\n`,
      ).join(""),
    "it is not YAML: Excessive alias count",
  ],
  ["of an unknown status", (text) => text.replace("status: running", "status: done"), "status: "],
  ["with a field too many", (text) => text + "extra: 1\n", `Unrecognized key: "extra"`],
  [
    "with a configuration that is not valid",
    (text) => text.replace("batch: 8", "batch: 0"),
    "experiment.training.batch: ",
  ],
  ["of another run", (text) => text.replace(/^id: .*/, "id: other"), "it is of another run: other"],
];

for (const [what, change, reason] of corruptions) {
  Deno.test(`readRun() rejects a record ${what}, listRuns() reports it`, async () => {
    await withRuns(async (runs) => {
      const { id } = await start(runs);
      const good = await start(runs);
      await edit(id, runs, change);
      const error = await assertRejects(() => readRun(id, runs), RunRecordError, reason);
      assertStringIncludes(error.message, `Cannot read the run record ${runFile(id, runs)} as `);
      const list = await listRuns({ runs });
      assertEquals(list.runs.map((run) => run.id), [good.id]);
      assertEquals(list.unreadable.map(({ message }) => message), [error.message]);
    });
  });
}

Deno.test("readRun() refuses a record too large for any run before it reads it", async () => {
  await withRuns(async (runs) => {
    const { id } = await start(runs);
    await Deno.truncate(runFile(id, runs), 2 ** 40);
    await assertRejects(() => readRun(id, runs), RunRecordError, `${2 ** 40} bytes, more than`);
  });
});

Deno.test("listRuns() takes no notice of a run that was killed before its first record", async () => {
  await withRuns(async (runs) => {
    const { id } = await start(runs);
    await Deno.mkdir(join(runs, "20260101-000000-a-0000"));
    await Deno.mkdir(join(runs, "20260101-000000-b-0000"));
    await Deno.writeTextFile(
      join(runs, "20260101-000000-b-0000", "run.yaml.1a2b3c4d.partial"),
      "id",
    );
    await Deno.mkdir(join(runs, "20260101-000000-c-0000"));
    await Deno.writeTextFile(join(runs, "20260101-000000-c-0000", "last-0001.safetensors"), "");
    const list = await listRuns({ runs });
    assertEquals(list.runs.map((run) => run.id), [id]);
    assertEquals(list.unreadable.map(({ message }) => /-(.)-0000/.exec(message)![1]), ["c"]);
  });
});

Deno.test("readRun() rejects a run that is not there", async () => {
  await withRuns(async (runs) => {
    await assertRejects(() => readRun("none", runs), RunRecordError, "there is no such file");
  });
});

Deno.test("listRuns() gives no runs where there is no folder, or from the environment's", async () => {
  await withRuns(async (runs) => {
    assertEquals(await listRuns({ runs }), { runs: [], unreadable: [] });
    const before = Deno.env.get("PNEUMOTHORAX_RUNS");
    Deno.env.set("PNEUMOTHORAX_RUNS", runs);
    try {
      const { id } = await RunRecord.start({ experiment, data });
      assertEquals((await listRuns()).runs.map((run) => run.id), [id]);
    } finally {
      if (before === undefined) Deno.env.delete("PNEUMOTHORAX_RUNS");
      else Deno.env.set("PNEUMOTHORAX_RUNS", before);
    }
  });
});

Deno.test("findRun() gives the newest run of the experiment and the status", async () => {
  await withRuns(async (runs) => {
    const first = await start(runs);
    await first.finish();
    const second = await start(runs);
    await second.finish();
    const third = await start(runs);
    await third.fail(new Error("no"));
    await (await start(runs, { experiment: child })).finish();
    assertEquals((await findRun("phantom/1-128", { status: "finished", runs }))?.id, second.id);
    assertEquals((await findRun("phantom/1-128", { runs }))?.id, third.id);
    assertEquals(await findRun("phantom/1-128", { status: "interrupted", runs }), undefined);
    assertEquals(await findRun("siim/1-256", { runs }), undefined);
  });
});

Deno.test("findParentRun() passes over runs that the experiment cannot go on from", async () => {
  await withRuns(async (runs) => {
    assertEquals(await findParentRun(child, runs), undefined);
    const good = await start(runs);
    await good.finish();
    const others = [
      await loadExperiment("phantom/1-128", { quick: true }),
      applyOverrides(experiment, ["data.split.seed=2"]),
      applyOverrides(experiment, ["model.encoder=efficientnet-b1"]),
    ];
    for (const other of others) await (await start(runs, { experiment: other })).finish();
    await (await start(runs)).interrupt();
    assertEquals((await findParentRun(child, runs))?.id, good.id);
    const quickChild = await loadExperiment("phantom/2-192", { quick: true });
    assertEquals((await findParentRun(quickChild, runs))?.experiment.quick, true);
    await assertRejects(() => findParentRun(experiment, runs), TypeError, "has no parent");
  });
});

Deno.test("findResumable() asks for the same configuration, data and parent", async () => {
  await withRuns(async (runs) => {
    const key = { experiment: child, dataHash: data.hash, parentHash: parent.sha256 };
    assertEquals(await findResumable(key, runs), undefined);
    const record = await start(runs, { experiment: child, parent });
    assertEquals(await findResumable(key, runs), undefined);
    await record.interrupt();
    assertEquals((await findResumable(key, runs))?.id, record.id);
    const described = { ...child, description: "other words" };
    assertEquals((await findResumable({ ...key, experiment: described }, runs))?.id, record.id);

    const others = [
      { ...key, experiment: applyOverrides(child, ["training.epochs=9"]) },
      { ...key, dataHash: sha256("other films") },
      { ...key, parentHash: sha256("other weights") },
      { experiment: child, dataHash: data.hash },
    ];
    for (const other of others) assertEquals(await findResumable(other, runs), undefined);

    const newer = await start(runs, { experiment: child, parent });
    await newer.interrupt();
    assertEquals((await findResumable(key, runs))?.id, newer.id);
    await (await start(runs, { experiment: child, parent })).finish();
    assertEquals(await findResumable(key, runs), undefined);
  });
});

Deno.test("configurationHash() does not depend on the order of fields", () => {
  const { name, seed, ...rest } = experiment;
  const reordered = { seed, ...rest, name };
  assertNotEquals(Object.keys(reordered), Object.keys(experiment));
  assertEquals(configurationHash(reordered), configurationHash(experiment));
  assertNotEquals(configurationHash({ ...experiment, seed: 2 }), configurationHash(experiment));
});

Deno.test("describeGit() tells commit and changes, or why not", async () => {
  const folder = await Deno.makeTempDir();
  const git = async (...args: string[]) => {
    const identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    const command = new Deno.Command("git", { args: ["-C", folder, ...identity, ...args] });
    const { success, stdout } = await command.output();
    assert(success);
    return new TextDecoder().decode(stdout).trim();
  };
  try {
    const outside = await describeGit(folder);
    assertEquals([outside.commit, outside.dirty], [null, null]);
    assertStringIncludes(outside.reason!, "not a git repository");
    await git("init", "--quiet");
    await git("commit", "--quiet", "--allow-empty", "--message", "one");
    const commit = await git("rev-parse", "HEAD");
    assertEquals(await describeGit(folder), { commit, dirty: false });
    await Deno.writeTextFile(join(folder, "new"), "");
    assertEquals(await describeGit(folder), { commit, dirty: true });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
