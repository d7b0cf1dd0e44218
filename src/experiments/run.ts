import { join } from "node:path";
import { Document, isMap, isSeq, parseDocument } from "yaml";
import { z } from "zod";
import { readTextUpTo, writeFileAtomic } from "@/files/mod.ts";
import { runsFolder } from "./folders.ts";
import {
  type CheckpointName,
  checkpointNames,
  type Experiment,
  experimentSchema,
  postprocessingSchema,
} from "./schema.ts";

/** Where a run is in its life; only `running` and `interrupted` can still change. */
export type RunStatus = "running" | "finished" | "failed" | "interrupted";

/** The state of the code: a commit, or why it is not known. */
export interface GitState {
  commit: string | null;
  /** Whether files differ from the commit, new files included. */
  dirty: boolean | null;
  /** Why the commit is not known. */
  reason?: string;
}

/** What processes that train together average at each change of the weights. */
export interface Reduction {
  /** Collective operations, one for each tensor that gradients are packed into. */
  tensors: number;
  /** Of one process's gradients. Each of n processes sends `2 (n - 1) / n` as many in a ring. */
  bytes: number;
  /** What it took when it was measured, before the first step and with nothing beside it. */
  milliseconds: number;
}

/** The program and the machine, as they were when a run started or went on. */
export interface Surroundings {
  git: GitState;
  /** Versions by name; `lock` is the SHA-256 of `deno.lock`, which pins all packages. */
  versions: Record<string, string | null>;
  device: {
    /** Operating system and architecture, for example `linux x86_64`. */
    platform: string;
    cpu: string;
    cores: number;
    /** Bytes. */
    memory: number;
    gpu: string | null;
  };
  /** Processes that train together. */
  workers: number;
  /** What they average at each change of the weights; null where there is one. */
  reduction: Reduction | null;
  /** The environment variables that change what a run does. */
  environment: Record<string, string>;
}

/** Which process writes a record: enough to tell whether it still lives. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** The boot of the machine, where the system tells; process numbers start anew with each. */
  boot: string | null;
  /** When the process started, in clock ticks since boot, where the system tells. */
  ticks: number | null;
  /** The scheduler's job that it is part of, null where there is none. */
  job: JobStart | null;
}

/** A start of a scheduler's job, which keeps its id when it is started again, maybe elsewhere. */
export interface JobStart {
  /** Unique among all jobs that write into a folder of records. */
  id: string;
  /** How often it was started before. */
  restarts: number;
}

/** A checkpoint of a run, as another record names it. */
export interface CheckpointReference {
  /** Id of the run. */
  run: string;
  checkpoint: CheckpointName;
  /** Of the checkpoint's file. */
  sha256: string;
}

/** The checkpoint that a run started from. */
export type Parent = CheckpointReference;

/** The file of pretrained encoder weights that a run started from. */
export interface Pretrained {
  /** The file's name, without folders. */
  file: string;
  sha256: string;
}

/** The films of a run. */
export interface RunData {
  /** Name of the data set's folder, without the way to it. */
  root: string;
  /** SHA-256 over everything that the films and masks were made from. */
  hash: string;
  /** Number of films of each kind. */
  films: { train: number; validation: number; test: number };
  /** Files that were left out, and why. */
  excluded: { id: string; reason: string }[];
}

/** A rule of post-processing that was fitted to what models say of validation films. */
export interface FittedRule {
  /** ISO 8601 time, UTC. */
  fitted: string;
  /** The models whose probabilities are averaged. */
  members: CheckpointReference[];
  /** Number of films that it was fitted to. */
  films: number;
  rule: Experiment["postprocessing"];
  /** Mean dice of the rule on these films, 0 to 1; optimistic for others. */
  dice: number;
  /** What each step of it brought, in mean dice; only steps that are kept are part of the rule. */
  steps: { name: string; before: number; after: number; kept: boolean }[];
}

/** One checkpoint that a run has kept. */
export interface Checkpoint {
  /** File name inside the run's folder. */
  file: string;
  sha256: string;
  /** Completed epochs, from 1. */
  epoch: number;
  /** The value that it was chosen by, where it was chosen. */
  value: number | null;
}

/** Measured numbers of one epoch by name; `epoch` counts from 1. */
export type EpochMetrics = { epoch: number } & Record<string, number>;

/** What stands in `run.yaml`: all that is needed to repeat a run, and what came of it. */
export interface Run extends Surroundings {
  id: string;
  status: RunStatus;
  /** Why the run failed or was interrupted. */
  reason: string | null;
  /** ISO 8601 times, UTC. `updated` is the sign of life. */
  started: string;
  updated: string;
  finished: string | null;
  process: ProcessIdentity;
  /** The whole configuration. */
  experiment: Experiment;
  /** Its hash, see {@linkcode configurationHash}. */
  configuration: string;
  parent: Parent | null;
  /** Id of the run that it repeats, null where it repeats none. */
  repeats: string | null;
  /** Null where the encoder started from random weights or from a parent's. */
  pretrained: Pretrained | null;
  data: RunData;
  seeds: { training: number; split: number };
  /** The rules that were fitted to ensembles that this run is the first member of. */
  postprocessing: FittedRule[];
  /** Each time that the run went on after an interruption. */
  resumed: (Surroundings & { time: string; afterEpoch: number })[];
  checkpoints: Partial<Record<CheckpointName, Checkpoint>>;
  metrics: EpochMetrics[];
}

const time = z.iso.datetime();
const hash = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");
/** Any number: the loss of a run that diverged is not a number, and that must be on record. */
const measured = z.custom<number>((value) => typeof value === "number", "must be a number");

const surroundings = z.strictObject({
  git: z.strictObject({
    commit: z.string().nullable(),
    dirty: z.boolean().nullable(),
    reason: z.string().exactOptional(),
  }),
  versions: z.record(z.string(), z.string().nullable()),
  device: z.strictObject({
    platform: z.string(),
    cpu: z.string(),
    cores: z.int().min(1),
    memory: z.number().min(0),
    gpu: z.string().nullable(),
  }),
  // Older records have no such field.
  workers: z.int().min(1).default(1),
  // Older records have no such field.
  reduction: z.strictObject({
    tensors: z.int().min(1),
    bytes: z.int().min(1),
    milliseconds: z.number().min(0),
  }).nullable().default(null),
  environment: z.record(z.string(), z.string()),
});

const checkpointReference = z.strictObject({
  run: z.string(),
  checkpoint: z.enum(checkpointNames),
  sha256: hash,
});

const dice = z.number().min(0).max(1);

const fittedRule = z.strictObject({
  fitted: time,
  members: z.array(checkpointReference).min(1),
  films: z.int().min(1),
  rule: postprocessingSchema,
  dice,
  steps: z.array(
    z.strictObject({ name: z.string().min(1), before: dice, after: dice, kept: z.boolean() }),
  ),
});

const runSchema: z.ZodType<Run> = z.strictObject({
  id: z.string().min(1),
  status: z.enum(["running", "finished", "failed", "interrupted"]),
  reason: z.string().nullable(),
  started: time,
  updated: time,
  finished: time.nullable(),
  process: z.strictObject({
    pid: z.int(),
    host: z.string(),
    boot: z.string().nullable(),
    ticks: z.number().nullable(),
    // Older records have no such field.
    job: z.strictObject({ id: z.string(), restarts: z.int() }).nullable().default(null),
  }),
  experiment: experimentSchema,
  configuration: hash,
  parent: checkpointReference.nullable(),
  // Older records have no such field.
  repeats: z.string().nullable().default(null),
  // Older records have no such field.
  pretrained: z.strictObject({ file: z.string().min(1), sha256: hash }).nullable().default(null),
  data: z.strictObject({
    root: z.string(),
    hash: z.string().min(1),
    films: z.strictObject({
      train: z.int().min(0),
      validation: z.int().min(0),
      test: z.int().min(0),
    }),
    excluded: z.array(z.strictObject({ id: z.string(), reason: z.string() })),
  }),
  seeds: z.strictObject({ training: z.int(), split: z.int() }),
  // Older records have no such field.
  postprocessing: z.array(fittedRule).default([]),
  ...surroundings.shape,
  resumed: z.array(surroundings.extend({ time, afterEpoch: z.int().min(0) })),
  checkpoints: z.partialRecord(
    z.enum(checkpointNames),
    z.strictObject({
      file: z.string().regex(/^[^/\\]+$/, "must be a file name without a folder"),
      sha256: hash,
      epoch: z.int().min(0),
      value: measured.nullable(),
    }),
  ),
  metrics: z.array(z.object({ epoch: z.int().min(1) }).catchall(measured)),
});

/** Bytes: more than a run of a hundred thousand epochs writes. */
const LARGEST_RECORD = 2 ** 26;

/** A run's record that cannot be read. */
export class RunRecordError extends Error {
  override name = "RunRecordError";
}

/** The folder of one run: its record, its checkpoints and its logs. */
export function runFolder(id: string, runs: string = runsFolder()): string {
  return join(runs, id);
}

/** The file of a run's record. */
export function runFile(id: string, runs: string = runsFolder()): string {
  return join(runFolder(id, runs), "run.yaml");
}

/**
 * Reads a record as it stands in its file.
 *
 * @throws {RunRecordError} If there is none, or it cannot be parsed, or a field is not what it has to be.
 */
export async function readRunFile(id: string, runs: string): Promise<Run> {
  const path = runFile(id, runs);
  const broken = (reason: string) =>
    new RunRecordError(`Cannot read the run record ${path} as ${reason}`);
  let text: string;
  try {
    text = await readTextUpTo(path, LARGEST_RECORD);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw broken("there is no such file");
    throw broken((error as Error).message);
  }
  const document = parseDocument(text, { prettyErrors: false });
  if (document.errors[0]) throw broken(`it is not YAML: ${document.errors[0].message}`);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    throw broken(`it is not YAML: ${(error as Error).message}`);
  }
  const run = runSchema.safeParse(value);
  if (!run.success) throw broken(`it does not have the form of one: ${describeReasons(run.error)}`);
  if (run.data.id !== id) throw broken(`it is of another run: ${run.data.id}`);
  return run.data;
}

/**
 * Writes a record in the order of its fields, an epoch's metrics and a step of a fitting on one line.
 *
 * @throws {TypeError} If a field is not what it has to be: the file is then left as it was.
 */
export async function writeRunFile(run: Run, runs: string): Promise<void> {
  const checked = runSchema.safeParse(run);
  if (!checked.success) {
    const reasons = describeReasons(checked.error);
    throw new TypeError(`Cannot write the record of the run ${run.id} as ${reasons}`);
  }
  const document = new Document(run, { aliasDuplicateObjects: false });
  const rows = [
    document.get("metrics"),
    ...run.postprocessing.map((_, i) => document.getIn(["postprocessing", i, "steps"])),
  ];
  for (const list of rows) {
    if (!isSeq(list)) continue;
    for (const item of list.items) if (isMap(item)) item.flow = true;
  }
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  await writeFileAtomic(runFile(run.id, runs), text);
}

function describeReasons(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}
