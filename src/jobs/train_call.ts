import type { Job } from "./job.ts";

/** What all jobs of a set have in common. */
export interface TrainCall {
  /** Names of the experiments, each trained after the one before it. */
  names: readonly string[];
  /** Fields that are the same in all jobs, as `--set` takes them. */
  overrides: readonly string[];
  /** The folder of the films (default: what `deno task train` takes). */
  root?: string;
  /** Whether the experiments' `quick` fields are in use. */
  quick: boolean;
  /** Seconds that the workers of a run wait for one another (default: what `deno task train` takes). */
  timeouts?: { timeout?: number; startTimeout?: number };
}

/** The arguments of `deno task train` for one job. Finished stages are not trained again. */
export function trainArguments(
  { names, overrides, root, timeouts = {} }: TrainCall,
  job: Job,
): string[] {
  const { timeout, startTimeout } = timeouts;
  return [
    ...names,
    ...(root === undefined ? [] : ["--data", root]),
    ...[...overrides, ...job.overrides].flatMap((setting) => ["--set", setting]),
    ...(timeout === undefined ? [] : ["--worker-timeout", `${timeout}`]),
    ...(startTimeout === undefined ? [] : ["--start-timeout", `${startTimeout}`]),
    "--unfinished",
  ];
}

/** One job as a command line for a shell. */
export function trainCommand(call: TrainCall, job: Job, workers = 1): string {
  const words = ["deno", "task", "train", ...trainArguments(call, job)];
  if (workers > 1) words.push("--workers", `${workers}`);
  const command = shellText(words);
  return call.quick ? `PNEUMOTHORAX_QUICK=1 ${command}` : command;
}

/** Words as a POSIX shell reads them back. */
export function shellText(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

function shellWord(word: string): string {
  if (/^[\w./:=,@%+-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Text as a comment of a script or of YAML, each line of it: a value of `--set` may have several. */
export function commentText(text: string): string {
  return text.replaceAll(/^/gm, "# ");
}

/** What a set of jobs is called where only letters, digits and "-" are allowed, at most 50 of them. */
export function setName({ names }: Pick<TrainCall, "names">, kind: string): string {
  const text = [...names.slice(0, 1), kind].filter(Boolean).join("-");
  const name = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").slice(0, 50);
  return name.replaceAll(/^-+|-+$/g, "");
}
