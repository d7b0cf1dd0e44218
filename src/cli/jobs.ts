import { join, resolve } from "node:path";
import { loadExperiment, projectFolder, type Run, runsFolder } from "@/experiments/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import {
  crossJobs,
  foldJobs,
  type Job,
  type JobStatus,
  jobStatus,
  kubernetesManifests,
  loadJob,
  manifestText,
  ONE_JOB,
  readSweep,
  type Resources,
  setName,
  shellText,
  slurmScript,
  type TrainCall,
  trainCommand,
} from "@/jobs/mod.ts";

/** The options of `deno task train` that make jobs instead of training. */
export const JOB_OPTIONS = {
  folds: { type: "string" },
  sweep: { type: "string" },
  on: { type: "string" },
  write: { type: "string" },
  submit: { type: "boolean", default: false },
  status: { type: "boolean", default: false },
  cpus: { type: "string" },
  memory: { type: "string" },
  gpus: { type: "string" },
  sbatch: { type: "string", multiple: true },
  image: { type: "string" },
  claim: { type: "string" },
  namespace: { type: "string" },
} as const;

/** What they do, for `deno task train --help`. */
export const JOB_HELP = `Several runs, one machine or many (experiments/more-than-one-machine.md):
  --folds N         one run for each of N folds; prints their commands, and trains nothing
  --sweep FILE      one run for each combination of the values in a YAML file, such as
                    training.batch: [4, 8]; prints their commands
  --status          what became of these runs, and how to ensemble folds
  --on SCHEDULER    slurm or kubernetes: prints what sbatch or kubectl takes instead, one job a run
  --submit          hands it to sbatch or kubectl
  --write DIR       writes it into a file in this folder
  --cpus N, --memory GIB, --gpus N
                    what each worker of a run needs
  --sbatch OPTION   another option of sbatch, such as --sbatch=--partition=gpu; can be repeated
  --image IMAGE, --claim NAME, --namespace NAME
                    of Kubernetes: the project as a container, the volume claim with films and records`;

const SCHEDULERS = ["slurm", "kubernetes"] as const;

/** What the command line asks for, parsed by {@linkcode JOB_OPTIONS}. */
export interface JobValues {
  folds?: string;
  sweep?: string;
  on?: string;
  write?: string;
  submit: boolean;
  status: boolean;
  cpus?: string;
  memory?: string;
  gpus?: string;
  sbatch?: string[];
  image?: string;
  claim?: string;
  namespace?: string;
}

/** What to do with jobs. */
export interface JobArguments {
  folds: number | undefined;
  sweep: string | undefined;
  on: typeof SCHEDULERS[number] | undefined;
  write: string | undefined;
  submit: boolean;
  status: boolean;
  resources: Resources;
  sbatch: string[];
  kubernetes: { image: string; claim: string; namespace?: string } | undefined;
}

/**
 * Checks the options; undefined where none of them asks for jobs.
 *
 * @throws {RangeError} If they do not fit together.
 */
export function parseJobs(values: JobValues): JobArguments | undefined {
  const { folds, sweep, write, submit, status, sbatch = [], image, claim, namespace } = values;
  const on = SCHEDULERS.find((each) => each === values.on);
  if (values.on !== undefined && on === undefined) {
    throw new RangeError(`--on must be ${SCHEDULERS.join(" or ")}: ${values.on}`);
  }
  const need = (given: unknown, option: string, needed: string) => {
    if (given) throw new RangeError(`Cannot use ${option} without ${needed}`);
  };
  if (on === undefined) {
    need(write !== undefined, "--write", "--on slurm or --on kubernetes");
    need(submit, "--submit", "--on slurm or --on kubernetes");
    for (const name of ["cpus", "memory", "gpus"] as const) {
      need(values[name], `--${name}`, "--on slurm or --on kubernetes");
    }
  }
  if (on !== "slurm") need(sbatch.length > 0, "--sbatch", "--on slurm");
  if (on !== "kubernetes") {
    for (const name of ["image", "claim", "namespace"] as const) {
      need(values[name], `--${name}`, "--on kubernetes");
    }
  } else if (image === undefined || claim === undefined) {
    throw new RangeError("Cannot write for kubernetes without --image and --claim");
  }
  if (status) {
    for (const [option, given] of [["--submit", submit], ["--write", write]] as const) {
      if (given) throw new RangeError(`Cannot use ${option} with --status: leave one out`);
    }
  }
  if (folds === undefined && sweep === undefined && on === undefined && !status) return undefined;
  return {
    folds: folds === undefined ? undefined : number(folds, "--folds", 2),
    sweep,
    on,
    write,
    submit,
    status,
    resources: {
      ...(values.cpus !== undefined && { cpus: number(values.cpus, "--cpus") }),
      ...(values.memory !== undefined && { memory: number(values.memory, "--memory") }),
      ...(values.gpus !== undefined && { gpus: number(values.gpus, "--gpus") }),
    },
    sbatch,
    kubernetes: on === "kubernetes"
      ? { image: image!, claim: claim!, ...(namespace !== undefined && { namespace }) }
      : undefined,
  };
}

function number(text: string, option: string, least = 1): number {
  if (/^\d{1,6}$/.test(text) && Number(text) >= least) return Number(text);
  throw new RangeError(`${option} must be a whole number >= ${least}: ${text}`);
}

/** What of the other options of `deno task train` the jobs take over. */
export interface JobTraining {
  names: readonly string[];
  overrides: readonly string[];
  root?: string;
  /** Processes of each run. */
  workers: number;
  timeouts: NonNullable<TrainCall["timeouts"]>;
  /** The arguments as they were typed, to name the command in what it writes. */
  typed: readonly string[];
}

/** Prints, writes or submits jobs, or tells what became of them. */
export async function runJobs(
  { names, overrides, root, workers, timeouts, typed }: JobTraining,
  options: JobArguments,
): Promise<void> {
  const quick = Deno.env.get("PNEUMOTHORAX_QUICK") === "1";
  const call: TrainCall = {
    names,
    overrides,
    quick,
    timeouts,
    ...(root !== undefined && { root }),
  };
  const jobs = await makeJobs(call, options);
  // All files are checked before anything is submitted.
  for (const name of names) for (const job of jobs) await loadJob(name, call, job);
  if (options.status) {
    printStatus(await jobStatus(call, jobs), options.folds !== undefined);
    return;
  }
  const text = jobsText(call, jobs, options, workers, typed);
  if (options.on === undefined) {
    console.log(text);
    const again = shellText(["deno", "task", "train", ...typed, "--status"]);
    console.error(`${jobs.length} runs. What became of them: ${again}`);
    return;
  }
  if (options.write === undefined && !options.submit) console.log(text);
  if (options.on === "slurm") await Deno.mkdir(runsFolder(), { recursive: true }); // for logs
  if (options.write !== undefined) {
    const ending = options.on === "slurm" ? "sbatch" : "yaml";
    const path = join(options.write, `${jobsName(call, options)}.${ending}`);
    await writeFileAtomic(path, text);
    console.log(`written: ${path}`);
  }
  if (options.submit) {
    const [command, ...args] = options.on === "slurm"
      ? ["sbatch"]
      : ["kubectl", "create", "-f", "-"];
    await submit(command!, args, text);
  }
}

async function makeJobs(call: TrainCall, { folds, sweep }: JobArguments): Promise<Job[]> {
  const ofFolds = folds === undefined ? [ONE_JOB] : foldJobs(folds);
  if (sweep === undefined) return ofFolds;
  const { overrides } = call;
  const experiments = await Promise.all(
    call.names.map((name) => loadExperiment(name, { overrides })),
  );
  return crossJobs(ofFolds, await readSweep(sweep, experiments));
}

function jobsName(call: TrainCall, { folds, sweep }: JobArguments): string {
  const kind = [folds === undefined ? "" : "folds", sweep === undefined ? "" : "sweep"];
  return setName(call, kind.filter(Boolean).join("-"));
}

function jobsText(
  call: TrainCall,
  jobs: readonly Job[],
  options: JobArguments,
  workers: number,
  typed: readonly string[],
): string {
  const common = {
    ...options.resources,
    name: jobsName(call, options),
    madeBy: shellText(["deno", "task", "train", ...typed]),
    workers,
  };
  if (options.on === "slurm") {
    return slurmScript(call, jobs, {
      ...common,
      project: resolve(projectFolder),
      runs: resolve(runsFolder()),
      deno: Deno.execPath(),
      sbatch: options.sbatch,
    });
  }
  if (options.kubernetes) {
    const kubernetes = { ...common, ...options.kubernetes };
    return manifestText(kubernetesManifests(call, jobs, kubernetes), call, jobs, kubernetes);
  }
  return jobs.map((job) => {
    const command = trainCommand(call, job, workers);
    return job.label === "" ? command : `${command} # ${job.label}`;
  }).join("\n");
}

function printStatus(jobs: readonly JobStatus[], isFolds: boolean): void {
  const rows = jobs.map(({ job, run }) => [
    job.label,
    run?.status ?? "not begun",
    run ? `${run.metrics.length}/${run.experiment.training.epochs}` : "",
    bestDice(run),
    run?.id ?? "",
  ]);
  const table = [["", "status", "epochs", "best dice", "run"], ...rows];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  for (const row of table) {
    console.log(row.map((text, i) => text.padEnd(widths[i]!)).join("  ").trimEnd());
  }
  const finished = jobs.flatMap(({ run }) => run?.status === "finished" ? [run.id] : []);
  const left = jobs.length - finished.length;
  if (left > 0) console.log(`${left} of ${jobs.length} are not finished`);
  if (!isFolds || left > 0) return;
  const models = finished.flatMap((id) => ["--run", id]);
  console.log(
    "All are finished. To fit post-processing to them as an ensemble, and to predict with it:",
  );
  console.log(shellText(["deno", "task", "fit", ...models]));
  console.log(shellText(["deno", "task", "predict", "FOLDER", ...models]));
}

function bestDice(run: Run | undefined): string {
  const values = run?.metrics.flatMap(({ validationDice = NaN }) => validationDice ?? NaN) ?? [];
  const best = Math.max(...values.filter(Number.isFinite));
  return Number.isFinite(best) ? best.toFixed(3) : "";
}

/** Hands text to a scheduler's own command, whose output is shown. */
async function submit(command: string, args: readonly string[], text: string): Promise<void> {
  let process: Deno.ChildProcess;
  try {
    process = new Deno.Command(command, { args: [...args], stdin: "piped" }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new RangeError(
      `Cannot submit as there is no command ${command} here. Write the file with --write DIR and ` +
        `submit it where there is one`,
    );
  }
  const written = new Blob([text]).stream().pipeTo(process.stdin)
    .catch(() => {}); // it ended before it had read all: its exit code says so
  const [{ success, code }] = await Promise.all([process.status, written]);
  if (!success) throw new RangeError(`Cannot submit as ${command} ends with ${code}`);
}
