import type { Job } from "./job.ts";
import type { Resources } from "./resources.ts";
import { commentText, shellText, trainArguments, type TrainCall } from "./train_call.ts";

/** How a set of jobs runs under Slurm. */
export interface SlurmOptions extends Resources {
  name: string;
  /** The command that made it, for the reader. */
  madeBy: string;
  /** The project's folder, on a file system that all nodes share. */
  project: string;
  /** The folder of the run records; logs go there too. */
  runs: string;
  /** The program `deno`. */
  deno: string;
  /** Processes of each run, which train together. */
  workers: number;
  /** More options of sbatch, such as `--partition=gpu`. */
  sbatch: readonly string[];
}

/** Seconds before the time limit at which a run is told to save. */
const SECONDS_TO_SAVE = 120;

/**
 * A script for `sbatch`: one task of an array for each job.
 *
 * A task that Slurm stops and starts again (preemption, a lost node, `scontrol requeue`) goes on from its
 * last checkpoint, as the same command does everywhere. Shortly before the time limit the script has its run
 * save a checkpoint, and requeues itself.
 */
export function slurmScript(call: TrainCall, jobs: readonly Job[], options: SlurmOptions): string {
  const { name, madeBy, project, runs, workers, cpus, memory, gpus } = options;
  const isArray = jobs.length > 1;
  const sbatch = [
    `--job-name=${name}`,
    ...(isArray ? [`--array=0-${jobs.length - 1}`] : []),
    `--ntasks=${workers}`,
    ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
    // per processor or per node is all that Slurm knows
    ...(memory === undefined ? [] : [memoryOption(memory, workers, cpus)]),
    ...(gpus === undefined ? [] : [`--gpus-per-task=${gpus}`]),
    `--chdir=${quoted(project)}`,
    `--output=${quoted(`${runs}/slurm-${isArray ? "%A_%a" : "%j"}.log`)}`,
    "--open-mode=append",
    "--requeue",
    `--signal=B:USR1@${SECONDS_TO_SAVE}`,
    ...options.sbatch,
  ];
  const step = ["srun", `--ntasks=${workers}`, ...(cpus ? [`--cpus-per-task=${cpus}`] : [])];
  return `#!/bin/bash
# ${jobs.length} ${jobs.length === 1 ? "run" : "runs"} of ${call.names.join(", then ")}${
    workers > 1 ? `, each on ${workers} workers` : ""
  }
${commentText(`Made by: ${madeBy}`)}
# To submit it: sbatch FILE. To see what became of the runs: the command above with --status
${sbatch.map((option) => `#SBATCH ${option}`).join("\n")}
set -u
export PNEUMOTHORAX_RUNS=${shellText([runs])} PNEUMOTHORAX_QUICK=${call.quick ? 1 : 0}

${chooseRun(call, jobs, options)}

# Before the time limit the run saves a checkpoint, and the task queues again, to go on from it.
late=
trap 'late=1; scancel --signal=TERM "$SLURM_JOB_ID"' USR1
${workers > 1 ? cluster(step) : ""}
${shellText(step)} ${workers > 1 ? `bash -c "$worker" worker ` : ""}"\${run[@]}" &
step=$!
wait "$step"
code=$?
# A signal ends the waiting, not the step.
while kill -0 "$step" 2> /dev/null; do
  wait "$step"
  code=$?
done
if [ -n "$late" ] && [ "$code" -ne 0 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
`;
}

function memoryOption(memory: number, workers: number, cpus = 1): string {
  if (workers === 1) return `--mem=${memory}G`;
  return `--mem-per-cpu=${Math.ceil(memory * 1024 / cpus)}M`;
}

/** Sets `run` to the command of this task. */
function chooseRun(call: TrainCall, jobs: readonly Job[], { deno }: SlurmOptions): string {
  const commands = jobs.map((job) => {
    return `run=(${
      shellText([deno, "run", "-A", "src/cli/train.ts", ...trainArguments(call, job)])
    })`;
  });
  if (commands.length === 1) return commands[0]!;
  const cases = commands.map((command, i) => `  # ${jobs[i]!.label}\n  ${i}) ${command} ;;`);
  return `case "$SLURM_ARRAY_TASK_ID" in\n${cases.join("\n")}\nesac`;
}

/** Sets `worker` to a script that gives each process its `TF_CONFIG`, then starts its arguments. */
function cluster(step: readonly string[]): string {
  return `
# TF_CONFIG tells each process the addresses of all, in the order of their numbers. Slurm itself is asked
# where it puts them; jobs that share a node have other ports.
export first_port=$((12000 + SLURM_JOB_ID % 1250 * 16))
places=$(${shellText(step)} bash -c \\
  'echo "$SLURM_PROCID $SLURMD_NODENAME:$((first_port + SLURM_LOCALID))"' | sort -n)
export workers=$(awk '{ printf "%s\\"%s\\"", separator, $2; separator = ", " }' <<< "$places")
worker='
  export TF_CONFIG="{\\"cluster\\": {\\"worker\\": [$workers]},
    \\"task\\": {\\"type\\": \\"worker\\", \\"index\\": $SLURM_PROCID}}"
  exec "$@"'
`;
}

/** A value on an #SBATCH line. */
function quoted(value: string): string {
  return /\s/.test(value) ? `"${value}"` : value;
}
