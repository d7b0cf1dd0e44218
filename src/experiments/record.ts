import { configurationHash, readRun } from "./find.ts";
import { runsFolder } from "./folders.ts";
import { ownRuns, thisProcess } from "./process.ts";
import {
  type Checkpoint,
  type EpochMetrics,
  type Parent,
  type Pretrained,
  type Run,
  type RunData,
  runFolder,
  RunRecordError,
  writeRunFile,
} from "./run.ts";
import type { CheckpointName, Experiment } from "./schema.ts";
import { describeSurroundings, type KnownSurroundings } from "./surroundings.ts";

/** What a new run is made of. */
export interface RunStart extends KnownSurroundings {
  experiment: Experiment;
  data: RunData;
  /** The checkpoint that it starts from (default: none). */
  parent?: Parent;
  /** Id of the run that it repeats (default: none). */
  repeats?: string;
  /** The pretrained encoder weights that it starts from (default: none). */
  pretrained?: Pretrained;
  /** The folder of the records (default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`). */
  runs?: string;
}

/** How an interrupted run goes on. */
export interface RunResume extends KnownSurroundings {
  /** Completed epochs of the checkpoint that it goes on from; what came later is forgotten. */
  afterEpoch: number;
  /** The checkpoint that it goes on from, which becomes the last one (default: "last"). */
  from?: "last" | "previous";
  /** The folder of the records (default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`). */
  runs?: string;
}

/** Checkpoints by name. */
export type Checkpoints = Partial<Record<CheckpointName, Checkpoint>>;

/**
 * The record of a run while it runs: every method brings `experiments/runs/<id>/run.yaml` up to
 * date, atomically, so that the file is whole whenever the process ends.
 *
 * @example
 * ```ts ignore
 * const record = await RunRecord.start({ experiment, data });
 * try {
 *   await record.epoch({ epoch: 1, loss: 0.7 }, { last: { file, sha256, epoch: 1, value: null } });
 *   await record.finish();
 * } catch (error) {
 *   await record.fail(error);
 *   throw error;
 * }
 * ```
 */
export class RunRecord {
  readonly #runs: string;
  #run: Run;
  /** The last write: writes wait for one another, so that an older state never comes last. */
  #written: Promise<void> = Promise.resolve();

  private constructor(run: Run, runs: string) {
    this.#run = run;
    this.#runs = runs;
    ownRuns.add(run.id);
  }

  /** Makes a run's folder and writes its first record, of status `running`. */
  static async start(options: RunStart): Promise<RunRecord> {
    const { experiment, data, parent, repeats, pretrained } = options;
    const runs = options.runs ?? runsFolder();
    const surroundings = await describeSurroundings(options);
    const started = now();
    const run: Run = {
      id: await makeFolder(experiment.name, started, runs),
      status: "running",
      reason: null,
      started,
      updated: started,
      finished: null,
      process: thisProcess(),
      experiment,
      configuration: configurationHash(experiment),
      parent: parent ?? null,
      repeats: repeats ?? null,
      pretrained: pretrained ?? null,
      data,
      seeds: { training: experiment.seed, split: experiment.data.split.seed },
      postprocessing: [],
      ...surroundings,
      resumed: [],
      checkpoints: {},
      metrics: [],
    };
    const record = new RunRecord(structuredClone(run), runs);
    await record.#write();
    return record;
  }

  /**
   * Goes on with an interrupted run. Metrics and checkpoints of later epochs are dropped from the
   * record; they come again.
   *
   * @throws {RunRecordError} If the run is not interrupted, or its record cannot be read.
   * @throws {RangeError} If it did not complete that many epochs.
   */
  static async resume(id: string, options: RunResume): Promise<RunRecord> {
    const { afterEpoch, from = "last" } = options;
    const runs = options.runs ?? runsFolder();
    const run = await readRun(id, runs);
    if (run.status !== "interrupted") {
      throw new RunRecordError(
        `Cannot resume the run ${id} as it is not interrupted: ${run.status}`,
      );
    }
    if (!Number.isInteger(afterEpoch) || afterEpoch < 0 || afterEpoch > run.metrics.length) {
      throw new RangeError(
        `Cannot resume the run ${id} as afterEpoch must be from 0 to the ${run.metrics.length} ` +
          `epochs on record: ${afterEpoch}`,
      );
    }
    const time = now();
    const { previous, ...others } = run.checkpoints;
    if (from === "previous") {
      if (previous) others.last = previous;
      else delete others.last;
    }
    const kept = Object.entries(others).filter(([, { epoch }]) => epoch <= afterEpoch);
    const record = new RunRecord({
      ...run,
      status: "running",
      reason: null,
      updated: time,
      process: thisProcess(),
      resumed: [...run.resumed, { time, afterEpoch, ...await describeSurroundings(options) }],
      checkpoints: Object.fromEntries(kept),
      metrics: run.metrics.slice(0, afterEpoch),
    }, runs);
    await record.#write();
    return record;
  }

  /** The run's id, `<UTC yyyymmdd-hhmmss>-<experiment>-<4 hexadecimal digits>`. */
  get id(): string {
    return this.#run.id;
  }

  /** The run's folder, for its checkpoints and logs. */
  get folder(): string {
    return runFolder(this.id, this.#runs);
  }

  /** The record as it is now; it does not change later. */
  get run(): Run {
    return structuredClone(this.#run);
  }

  /**
   * Adds an epoch's metrics and, in the same write, the checkpoints that came with it: after a
   * crash the record holds both or neither.
   *
   * @throws {RangeError} If the epoch is not the next one.
   */
  async epoch(metrics: EpochMetrics, checkpoints: Checkpoints = {}): Promise<void> {
    const next = this.#run.metrics.length + 1;
    if (metrics.epoch !== next) {
      throw new RangeError(`Cannot record an epoch as ${next} is the next one: ${metrics.epoch}`);
    }
    const { epoch, ...values } = metrics;
    await this.#change({
      metrics: [...this.#run.metrics, { epoch, ...values }],
      checkpoints: this.#with(checkpoints),
    });
  }

  /** Adds a checkpoint, or replaces the one of that name. */
  async checkpoint(name: CheckpointName, checkpoint: Checkpoint): Promise<void> {
    await this.#change({ checkpoints: this.#with({ [name]: checkpoint }) });
  }

  /** The checkpoints with new ones among them; the last one so far becomes the previous one. */
  #with(added: Checkpoints): Checkpoints {
    const { last } = this.#run.checkpoints;
    return {
      ...this.#run.checkpoints,
      ...(added.last && last && { previous: last }),
      ...structuredClone(added),
    };
  }

  /** Gives a sign of life; call it now and then in long epochs. */
  async heartbeat(): Promise<void> {
    await this.#change({});
  }

  /** Ends the record of a run that did all it had to. */
  async finish(): Promise<void> {
    // The previous checkpoint is for those that must go on.
    const { previous: _, ...checkpoints } = this.#run.checkpoints;
    await this.#change({ status: "finished", checkpoints }, true);
  }

  /** Ends the record of a run that cannot go on, with the error as the reason. */
  async fail(error: unknown): Promise<void> {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    await this.#change({ status: "failed", reason }, true);
  }

  /** Ends the record of a run that was stopped and may be resumed. */
  async interrupt(reason = "stopped by the user"): Promise<void> {
    await this.#change({ status: "interrupted", reason });
  }

  /**
   * Lets go of a run that nobody writes any more: should its last state not have got to the disk, it
   * is found interrupted although this process still lives.
   */
  release(): void {
    ownRuns.delete(this.id);
  }

  async #change(fields: Partial<Run>, ended = false): Promise<void> {
    if (this.#run.status !== "running") {
      throw new RunRecordError(
        `Cannot change the record of the run ${this.id} as it is not running: ${this.#run.status}`,
      );
    }
    const before = this.#run;
    const updated = now();
    const finished = ended ? updated : null;
    const changed: Run = { ...before, ...fields, updated, finished };
    this.#run = changed;
    try {
      await this.#write();
    } catch (error) {
      // what is not on disk has not happened: a run that could not finish can still fail
      if (this.#run === changed) this.#run = before;
      throw error;
    }
  }

  #write(): Promise<void> {
    const run = this.#run;
    const write = () => writeRunFile(run, this.#runs);
    this.#written = this.#written.then(write, write);
    return this.#written;
  }
}

function now(): string {
  return new Date().toISOString();
}

/** Makes the folder of a new run and gives its id; no two runs get the same. */
async function makeFolder(experiment: string, started: string, runs: string): Promise<string> {
  const time = started.replace(/\..*/, "").replaceAll(/[-:]/g, "").replace("T", "-");
  await Deno.mkdir(runs, { recursive: true });
  for (;;) {
    const digits = crypto.randomUUID().slice(0, 4);
    const id = `${time}-${experiment.replaceAll("/", "-")}-${digits}`;
    try {
      await Deno.mkdir(runFolder(id, runs));
      return id;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}
