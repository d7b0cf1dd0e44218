/**
 * Many runs that differ in some fields, as jobs: commands for a shell, a script for Slurm, manifests for
 * Kubernetes. Nothing is scheduled here.
 */
export { crossJobs, foldJobs, type Job, ONE_JOB } from "./job.ts";
export { readSweep } from "./sweep.ts";
export type { Resources } from "./resources.ts";
export { setName, shellText, type TrainCall, trainCommand } from "./train_call.ts";
export { type SlurmOptions, slurmScript } from "./slurm.ts";
export {
  kubernetesManifests,
  type KubernetesOptions,
  manifestText,
  type TFJob,
} from "./kubernetes.ts";
export { type JobStatus, jobStatus, loadJob } from "./status.ts";
