import { sha256 } from "@/files/mod.ts";
import { runsFolder } from "./folders.ts";
import { isMapping } from "./fields.ts";
import { parentMismatches } from "./load.ts";
import { lostReason } from "./process.ts";
import {
  readRunFile,
  type Run,
  runFolder,
  RunRecordError,
  type RunStatus,
  writeRunFile,
} from "./run.ts";
import type { Experiment } from "./schema.ts";

/** All records of a folder. */
export interface RunList {
  /** Newest first. */
  runs: Run[];
  /** Records that cannot be read, and why. */
  unreadable: RunRecordError[];
}

/**
 * Reads a run's record. A run whose process is gone becomes `interrupted`, here and in its file.
 *
 * @param id The run's id.
 * @param runs The folder of the records (default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`).
 * @throws {RunRecordError} If there is no such record, or it cannot be read.
 */
export async function readRun(id: string, runs: string = runsFolder()): Promise<Run> {
  const read = await readRunFile(id, runs);
  if (whyLost(read) === undefined) return read;
  // It may have written its last and ended since then: now that it is gone, nobody writes any more.
  const run = await readRunFile(id, runs);
  const reason = whyLost(run);
  if (reason === undefined) return run;
  const interrupted: Run = { ...run, status: "interrupted", reason };
  // where the record may not be written, the next command that may will do it
  await writeRunFile(interrupted, runs).catch(() => {});
  return interrupted;
}

function whyLost(run: Run): string | undefined {
  return run.status === "running" ? lostReason(run) : undefined;
}

/** Which runs to list. */
export interface RunFilter {
  /** Name of an experiment (default: any). */
  experiment?: string;
  status?: RunStatus;
  /** Whether the quick fields were in use (default: either). */
  quick?: boolean;
  /** The folder of the records (default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`). */
  runs?: string;
}

/** All runs that a filter lets pass, newest first, and the records that cannot be read. */
export async function listRuns(filter: RunFilter = {}): Promise<RunList> {
  const folder = filter.runs ?? runsFolder();
  const list: RunList = { runs: [], unreadable: [] };
  for (const id of await runIds(folder)) {
    try {
      const run = await readRun(id, folder);
      if (filter.experiment !== undefined && run.experiment.name !== filter.experiment) continue;
      if (filter.status !== undefined && run.status !== filter.status) continue;
      if (filter.quick !== undefined && run.experiment.quick !== filter.quick) continue;
      list.runs.push(run);
    } catch (error) {
      if (!(error instanceof RunRecordError)) throw error;
      if (!await isUnborn(id, folder)) list.unreadable.push(error);
    }
  }
  list.runs.sort((a, b) => b.started.localeCompare(a.started) || b.id.localeCompare(a.id));
  return list;
}

/**
 * Whether a run's folder holds nothing, as its process ended before it had written the first record, or
 * is gone, as somebody has removed it meanwhile.
 */
async function isUnborn(id: string, runs: string): Promise<boolean> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(runFolder(id, runs)));
    return entries.every(({ name }) => name.endsWith(".partial"));
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

async function runIds(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    const folders = entries.filter(({ isDirectory, name }) => isDirectory && !name.startsWith("."));
    return folders.map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The newest run of an experiment that a filter lets pass, or undefined. */
export async function findRun(
  experiment: string,
  filter: Omit<RunFilter, "experiment"> = {},
): Promise<Run | undefined> {
  return (await listRuns({ ...filter, experiment })).runs[0];
}

/**
 * The newest finished run of an experiment's parent that it can go on from: of the same network and
 * the same split, and quick only if the experiment is.
 *
 * @throws {TypeError} If the experiment has no parent.
 */
export async function findParentRun(
  experiment: Experiment,
  runs: string = runsFolder(),
): Promise<Run | undefined> {
  const { name, parent, quick } = experiment;
  if (parent === undefined) {
    throw new TypeError(`Cannot find the parent's run as the experiment has no parent: ${name}`);
  }
  const finished = await listRuns({ experiment: parent, status: "finished", quick, runs });
  return finished.runs.find((run) => parentMismatches(experiment, run.experiment).length === 0);
}

/** What a run must have in common with an interrupted one to be its continuation. */
export interface ResumeKey {
  experiment: Experiment;
  dataHash: string;
  /** SHA-256 of the parent's checkpoint; leave it out where there is no parent. */
  parentHash?: string;
}

/**
 * The newest interrupted run of the same configuration, data and parent checkpoint. A run that is
 * older than a finished one of the same kind is left alone.
 */
export async function findResumable(
  key: ResumeKey,
  runs: string = runsFolder(),
): Promise<Run | undefined> {
  const newest = await findSame(key, runs);
  return newest?.status === "interrupted" ? newest : undefined;
}

/** The newest run of that kind, see {@linkcode findResumable}, if it is finished. */
export async function findFinished(
  key: ResumeKey,
  runs: string = runsFolder(),
): Promise<Run | undefined> {
  const newest = await findSame(key, runs);
  return newest?.status === "finished" ? newest : undefined;
}

/** The newest run of the same kind that is finished or interrupted. */
async function findSame(
  { experiment, dataHash, parentHash }: ResumeKey,
  folder: string,
): Promise<Run | undefined> {
  const configuration = configurationHash(experiment);
  const { runs } = await listRuns({ experiment: experiment.name, runs: folder });
  return runs.find((run) =>
    (run.status === "interrupted" || run.status === "finished") &&
    run.configuration === configuration && run.data.hash === dataHash &&
    run.parent?.sha256 === parentHash
  );
}

/** SHA-256 of an experiment without its description, whatever the order of its fields. */
export function configurationHash(experiment: Experiment): string {
  const { description: _, ...fields } = experiment;
  return sha256(JSON.stringify(fields, (_key, value: unknown) => {
    if (!isMapping(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
  }));
}
