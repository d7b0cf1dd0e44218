/** What one worker of one run needs. */
export interface Resources {
  /** Processors (default: what the scheduler gives). */
  cpus?: number;
  /** Main memory, GiB (default: what the scheduler gives). */
  memory?: number;
  /** GPUs (default: none). */
  gpus?: number;
}
