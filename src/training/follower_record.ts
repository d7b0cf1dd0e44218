import type {
  Checkpoint,
  CheckpointName,
  EpochMetrics,
  Run,
  RunRecord,
} from "@/experiments/mod.ts";

/** What a stage does with the record of its run. */
export type StageRecord = Pick<
  RunRecord,
  | "run"
  | "folder"
  | "epoch"
  | "checkpoint"
  | "finish"
  | "fail"
  | "interrupt"
  | "heartbeat"
  | "release"
>;

/** The record in a process that is not the chief: it knows what the chief writes, and writes nothing. */
export class FollowerRecord implements StageRecord {
  readonly folder = "";
  #run: Run;

  /** @param run The chief's record, as the stage starts. */
  constructor(run: Run) {
    this.#run = run;
  }

  get run(): Run {
    return structuredClone(this.#run);
  }

  epoch(metrics: EpochMetrics, added: Partial<Record<CheckpointName, Checkpoint>> = {}) {
    const { metrics: before, checkpoints } = this.#run;
    return this.#change({
      metrics: [...before, metrics],
      checkpoints: { ...checkpoints, ...added },
    });
  }

  checkpoint(name: CheckpointName, checkpoint: Checkpoint) {
    return this.#change({ checkpoints: { ...this.#run.checkpoints, [name]: checkpoint } });
  }

  finish() {
    return this.#change({ status: "finished" });
  }

  fail() {
    return this.#change({ status: "failed" });
  }

  interrupt() {
    return this.#change({ status: "interrupted" });
  }

  heartbeat() {
    return this.#change({});
  }

  release() {}

  #change(fields: Partial<Run>): Promise<void> {
    this.#run = { ...this.#run, ...fields };
    return Promise.resolve();
  }
}
