import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { listRuns } from "@/experiments/mod.ts";
import { foldJobs, ONE_JOB, type SlurmOptions, slurmScript } from "@/jobs/mod.ts";
import { writePhantomDataset } from "@/phantom/mod.ts";
import { missingSlurm, SlurmNode, until } from "./slurm_node.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const TRAIN = join(PROJECT, "src/cli/train.ts");
const missing = missingSlurm();
if (missing.length > 0) {
  console.warn(
    `Slurm's tests are left out as there is no ${missing.join(", ")}: apt install slurm-wlm munge`,
  );
}
const ignore = missing.length > 0;

const CALL = { names: ["phantom/1-128"], overrides: [], quick: false };

/** A script whose runs are a stand-in for Deno, which gets their arguments. */
async function standIn(node: SlurmNode, program: string, options: Partial<SlurmOptions> = {}) {
  const deno = join(node.folder, "stand-in");
  await Deno.writeTextFile(deno, `#!/bin/bash\n${program}`, { mode: 0o755 });
  const script = slurmScript(CALL, [ONE_JOB], {
    name: "test",
    madeBy: "a test",
    project: node.folder,
    runs: node.folder,
    deno,
    workers: 1,
    sbatch: ["--time=10"],
    ...options,
  });
  return {
    id: await node.submit(script),
    log: (id: string) => Deno.readTextFile(join(node.folder, `slurm-${id}.log`)).catch(() => ""),
  };
}

Deno.test({ name: "slurmScript()", ignore, sanitizeResources: false }, async (test) => {
  await using node = await SlurmNode.start();

  await test.step("gives each worker its TF_CONFIG", async () => {
    const { id, log } = await standIn(node, 'echo "$TF_CONFIG" | tr -d "\\n"; echo', {
      workers: 3,
    });
    await node.idle(20);
    const configs = (await log(id)).trim().split("\n").map((line) => JSON.parse(line));
    const { worker } = configs[0].cluster;
    assertEquals(new Set(worker).size, 3, `${worker}`);
    for (const address of worker) assert(/^[\w.-]+:\d+$/.test(address), address);
    for (const { cluster } of configs) assertEquals(cluster, { worker });
    const indices = configs.map(({ task }) => task.index).sort();
    assertEquals([indices, configs[0].task.type], [[0, 1, 2], "worker"]);
  });

  /** Saves when it is told to stop, as a stage does. */
  const SAVES = 'trap "echo saved; exit 130" TERM; echo started; while :; do sleep 0.1; done\n';

  await test.step("saves before the time limit, and queues again", async () => {
    const { id, log } = await standIn(node, SAVES);
    await until("the start", async () => (await log(id)).includes("started"));
    await node.run("scancel", ["--signal=USR1", "--batch", id]); // as --signal does
    await until("the requeue", async () => (await node.job(id)).restarts === 1);
    assertStringIncludes(await log(id), "saved");
    await node.run("scancel", [id]);
    await node.idle(20);
  });

  await test.step("does not queue again when it is cancelled", async () => {
    const { id, log } = await standIn(node, SAVES);
    await until("the start", async () => (await log(id)).includes("started"));
    await node.run("scancel", [id]);
    await node.idle(20);
    const { state, restarts } = await node.job(id);
    assertEquals([state, restarts], ["CANCELLED", 0]);
    assertStringIncludes(await log(id), "saved");
  });

  await test.step("ends as its run does", async () => {
    const { id } = await standIn(node, "exit 3\n");
    await node.idle(20);
    assertEquals((await node.job(id)).state, "FAILED");
  });

  await test.step("trains an array of folds, submitted by deno task train", async () => {
    const data = join(node.folder, "data"), runs = join(node.folder, "runs");
    await writePhantomDataset({ directory: data, train: 16, test: 0, seed: 1, workers: 1 });
    const fields = [
      "data.size=64",
      "model.startFilters=2",
      "training.batch=2",
      "training.epochs=1",
      "validation.batch=2",
    ];
    const args = [
      ...["phantom/1-128", "--folds", "2", "--data", data],
      ...fields.flatMap((field) => ["--set", field]),
    ];
    const train = async (...more: string[]) => {
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", TRAIN, ...args, ...more],
        env: { ...node.environment, PNEUMOTHORAX_RUNS: runs, PNEUMOTHORAX_QUICK: "0" },
        stdin: "null",
      }).output();
      return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    };
    assertStringIncludes(await train("--on", "slurm", "--submit"), "Submitted batch job");
    await node.idle(60);
    const folds = (await listRuns({ runs, status: "finished" })).runs;
    const held = folds.map(({ experiment: { data: { split } } }) => "fold" in split && split.fold);
    assertEquals(held.sort(), [0, 1]);
    assert(folds.every(({ process: { job } }) => job?.id.startsWith("test-")));
    const status = await train("--status");
    for (const { id } of folds) assertStringIncludes(status, `--run ${id}`);
    assertStringIncludes(status, "deno task fit");
  });
});

Deno.test("slurmScript() is a script that bash can read, whatever is in the values", async () => {
  const call = { ...CALL, overrides: [`description="it's $HOME \\"so\\""`], root: "/a folder" };
  for (const [jobs, workers] of [[foldJobs(3), 1], [[ONE_JOB], 4]] as const) {
    const script = slurmScript(call, jobs, {
      name: "n",
      madeBy: "m",
      project: "/the project",
      runs: "/the runs",
      deno: "/bin/echo",
      workers,
      cpus: 4,
      memory: 10,
      gpus: 1,
      sbatch: ["--partition=gpu"],
    });
    const options = [...script.matchAll(/^#SBATCH (.*)/gm)].map(([, option]) => option);
    assert(options.includes('--chdir="/the project"') && options.includes("--partition=gpu"));
    assert(options.includes(workers === 1 ? "--mem=10G" : "--mem-per-cpu=2560M"));
    const { code } = await new Deno.Command("bash", { args: ["-n", "-c", script] }).output();
    assertEquals(code, 0);
    // the words of the run, as the script's shell has them
    const choose = script.slice(script.indexOf(workers === 1 ? "case" : "run=("));
    const end = choose.indexOf("\n\n");
    const { stdout } = await new Deno.Command("bash", {
      args: ["-c", `${choose.slice(0, end)}\nprintf "%s\\n" "\${run[@]}"`],
      env: { SLURM_ARRAY_TASK_ID: "1" },
    }).output();
    const words = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(words.slice(4, 9), [
      ...["phantom/1-128", "--data", "/a folder"],
      ...["--set", `description="it's $HOME \\"so\\""`],
    ]);
  }
});
