import {
  configurationHash,
  type Experiment,
  listRuns,
  loadExperiment,
  type Run,
} from "@/experiments/mod.ts";
import type { Job } from "./job.ts";
import type { TrainCall } from "./train_call.ts";

/** What became of one job. */
export interface JobStatus {
  job: Job;
  /** The newest run of the job's last experiment, or undefined if it has not begun. */
  run: Run | undefined;
}

/**
 * Finds the newest run of each job: the one of the last experiment with exactly the job's configuration.
 *
 * @param runs The folder of the records (default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`).
 */
export async function jobStatus(
  call: TrainCall,
  jobs: readonly Job[],
  runs?: string,
): Promise<JobStatus[]> {
  const name = call.names.at(-1)!;
  const all = (await listRuns({ ...(runs && { runs }) })).runs;
  const status: JobStatus[] = [];
  for (const job of jobs) {
    const experiment = await loadJob(name, call, job);
    const configuration = configurationHash(experiment);
    status.push({ job, run: all.find((run) => run.configuration === configuration) });
  }
  return status;
}

/** An experiment as a job trains it. */
export function loadJob(name: string, call: TrainCall, job: Job): Promise<Experiment> {
  return loadExperiment(name, {
    quick: call.quick,
    overrides: [...call.overrides, ...job.overrides],
  });
}
