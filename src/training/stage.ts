import { hostname } from "node:os";
import { resolve } from "node:path";
import { augmentation } from "@/augmentation/mod.ts";
import { type Batch, batchCount, batches, epochOrder, type Film, withoutPath } from "@/data/mod.ts";
import type { Cluster } from "@/cluster/mod.ts";
import {
  type Checkpoint,
  type CheckpointName,
  configurationHash,
  type EpochMetrics,
  type Experiment,
  findFinished,
  findParentRun,
  findResumable,
  type Parent,
  projectFolder,
  readRun,
  type Reduction,
  type Run,
  runFolder,
  RunRecord,
} from "@/experiments/mod.ts";
import { sha256 } from "@/files/mod.ts";
import { SegmentationMetrics, weightedLoss } from "@/losses/mod.ts";
import { createModel, normalizeImages, type SegmentationModel } from "@/model/mod.ts";
import { loadPretrained, type PretrainedFile } from "@/pretrained/mod.ts";
import { Random } from "@/random/mod.ts";
import {
  checkCompileOptions,
  type CompileOptions,
  gpuModels,
  inFloat32,
  jit,
  type Share,
  StatelessRandom,
  tensorflowVersion,
  tf,
  usesGpu,
} from "@/tensorflow/mod.ts";
import { MovingAverage, WeightAverage } from "./averaging.ts";
import {
  assignGroup,
  CheckpointError,
  readCheckpoint,
  type VariableGroups,
  writeCheckpoint,
} from "./checkpoint.ts";
import { DivergenceError } from "./divergence_error.ts";
import { EventFile } from "./event_file.ts";
import { FollowerRecord, type StageRecord } from "./follower_record.ts";
import { takeFromChief } from "./from_chief.ts";
import { writeHistory } from "./history.ts";
import { Interrupt, InterruptedError } from "./interrupt.ts";
import { LossScale } from "./loss_scale.ts";
import { takeMeanOfWorkers } from "./mean_of_workers.ts";
import { measureReduction } from "./measure_reduction.ts";
import { createOptimizer, type Optimizer } from "./optimizer.ts";
import { type Patience, PATIENT, watch } from "./patience.ts";
import { endsCycle, learningRateAt, slidingAt } from "./schedule.ts";
import { loadStageData, type StageData, type StageDataOptions } from "./stage_data.ts";
import { type StepResult, type StepWorkers, trainingStep } from "./step.ts";
import { addCounts, batchTensors, validator } from "./validate.ts";

/** How far a stage is, after a training step. */
export interface StageProgress {
  /** The epoch under way, from 1. */
  epoch: number;
  epochs: number;
  /** Batches done in this epoch. */
  batch: number;
  batches: number;
  /** Films gone through in the whole stage, and to go through. */
  films: number;
  filmsInAll: number;
  /** Mean loss of the epoch so far. */
  loss: number;
}

/** What a stage runs on, and who watches it. */
export interface StageOptions extends StageDataOptions {
  /** Films that are already loaded, instead of loading them. */
  data?: StageData;
  /** The folder of run records. Default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`. */
  runs?: string;
  /** The processes that train together; all of them call this with the same experiment. */
  cluster?: Cluster;
  /** A run to repeat: the parent's checkpoint is the one that it started from, not the newest. */
  repeats?: Run;
  /** Go on from the checkpoint before the last one, as the last one is damaged. Default: false. */
  previous?: boolean;
  /** If the same is finished already, take that run instead of training anew. Default: false. */
  reuseFinished?: boolean;
  /** Called when it is known which run this is: a new one, or one that goes on. */
  onStart?: (run: Run) => void;
  /** Called after each batch. */
  onBatch?: (progress: StageProgress) => void;
  /** Called after each epoch with all metrics so far. */
  onEpoch?: (metrics: EpochMetrics[]) => void | Promise<void>;
  /** Called when the stage has ended as it should, after its last epoch or by early stopping. */
  onEnd?: (run: Run) => void | Promise<void>;
}

/** Where in a stage a checkpoint was written. */
interface Position {
  /** Epochs completed. */
  epoch: number;
  /** Batches done in the epoch under way. */
  batch: number;
  /** Sums over the films of the epoch under way. */
  films: number;
  lossSum: number;
  diceSum: number;
  /** Models in the average. */
  averaged: number;
  /** The best values so far. */
  best: { loss: number | null; iou: number | null; dice: number | null };
  /** Since the learning rate was last reduced, where its schedule is "plateau". */
  plateau: Patience;
  /** Towards early stopping. */
  stopping: Patience;
  /** Weights of the best epochs by dice, the best first, where they are to be averaged. */
  candidates: Checkpoint[];
}

const START: Position = {
  epoch: 0,
  batch: 0,
  films: 0,
  lossSum: 0,
  diceSum: 0,
  averaged: 0,
  best: { loss: null, iou: null, dice: null },
  plateau: PATIENT,
  stopping: PATIENT,
  candidates: [],
};

/**
 * Trains one stage as its experiment says, and writes its run record and checkpoints.
 *
 * A stage with a parent starts from the weights of the parent's finished run; one without may start
 * from an encoder that others have trained (`model.weights`), and the record says which. A stage that was
 * interrupted (Ctrl-C, a crash, a lost machine) goes on where its last checkpoint stands: call it
 * again with the same experiment and data.
 *
 * @returns The run's record.
 * @throws {InterruptedError} If it was stopped; a checkpoint is there and the record says so.
 * @throws {CheckpointError} If the parent has no finished run, or a checkpoint is damaged.
 * @throws {RangeError} If this machine cannot compute as the experiment says (`training.device`,
 * `mixedPrecision`, `xla`), the films are of another size than the experiment's or too few, or one side
 * of the split shows no pneumothorax.
 * @throws {DivergenceError} If the loss or a weight is not finite; the checkpoints of the epochs before
 * are kept.
 * @throws {PretrainedError} If the file of pretrained weights is missing, damaged, or does not fit.
 * @throws {ClusterError} If the processes of a cluster differ, or one of them is lost.
 */
export async function trainStage(experiment: Experiment, options: StageOptions = {}): Promise<Run> {
  const { cluster } = options;
  if (!cluster) return await trainHere(experiment, options);
  try {
    return await trainHere(experiment, options);
  } catch (error) {
    const reason = await cluster.explain(error);
    // All processes stop together where they are asked to; for all else they must be told.
    if (!(reason instanceof InterruptedError)) await cluster.fail((reason as Error).message);
    throw reason;
  }
}

async function trainHere(experiment: Experiment, options: StageOptions): Promise<Run> {
  using interrupt = new Interrupt();
  const { cluster } = options;
  const isChief = cluster?.isChief ?? true;
  /** Stops all processes together. */
  const stopIfAsked = async () => {
    if (!cluster) return interrupt.check();
    if (!await cluster.any("interrupt", interrupt.isRequested)) return;
    interrupt.check();
    throw new InterruptedError("Stopped by another worker");
  };
  await cluster?.agree("experiment", {
    experiment: experiment.name,
    configuration: configurationHash(experiment),
  });
  checkCompileOptions(compileOptions(experiment.training));
  const parent = isChief ? await findParent(experiment, options) : undefined;
  const data = options.data ?? await loadInTurn(() => loadStageData(experiment, options), cluster);
  await cluster?.agree("data", { data: data.hash, films: filmsHash(data) });
  refuseUnfit(experiment, data, cluster?.size ?? 1);
  refuseOtherFilms(data, options.repeats);
  await stopIfAsked();
  const surroundings = {
    versions: { tensorflow: tensorflowVersion },
    workers: cluster?.size ?? 1,
    ...(usesGpu(experiment.training.device) &&
      { gpu: gpuModels().join(", ") || "of unknown name" }),
  };
  const key = {
    experiment,
    dataHash: data.hash,
    ...(parent && { parentHash: parent.reference.sha256 }),
  };
  if (options.reuseFinished) {
    const own = isChief ? await findFinished(key, options.runs) ?? null : null;
    const finished = cluster ? await cluster.fromChief("finished run", own) : own;
    if (finished) return finished;
  }

  const stage = new Stage(experiment, data, interrupt, options);
  try {
    const reduction = await stage.measureReduction();
    const record = isChief ? await begin(reduction) : undefined;
    const ownRecord: StageRecord = record ??
      new FollowerRecord(await cluster!.fromChief<Run>("run", undefined));
    if (record) await cluster?.fromChief("run", record.run);
    await stage.takeFromChief();
    options.onStart?.(ownRecord.run);
    const run = await stage.run(ownRecord);
    await options.onEnd?.(run);
    // A request that came too late for this stage still holds for what would follow it.
    await stopIfAsked();
    return run;
  } catch (error) {
    throw withAdvice(error);
  } finally {
    stage.dispose();
  }

  /** Makes a new record, or goes on with one. */
  async function begin(reduction: Reduction | undefined): Promise<RunRecord> {
    const known = { ...surroundings, ...(reduction && { reduction }) };
    const resumable = await findResumable(key, options.runs);
    const from = options.previous ? "previous" : "last";
    const saved = resumable?.checkpoints[from];
    if (options.previous && !saved) {
      throw new CheckpointError(
        `Cannot go on from the checkpoint before the last of ${experiment.name} as no interrupted ` +
          `run has one`,
      );
    }
    if (resumable && saved) {
      await stage.restore(runFolder(resumable.id, options.runs), saved);
      return await RunRecord.resume(resumable.id, {
        ...known,
        afterEpoch: stage.position.epoch,
        from,
        ...(options.runs && { runs: options.runs }),
      });
    }
    if (parent) await stage.startFrom(parent.folder, parent.checkpoint);
    const pretrained = await stage.loadPretrained();
    const runs = options.runs && { runs: options.runs };
    // A run that was stopped before its first checkpoint starts anew, as the same run.
    if (resumable && resumable.pretrained?.sha256 === pretrained?.sha256) {
      return await RunRecord.resume(resumable.id, { ...known, afterEpoch: 0, ...runs });
    }
    return await RunRecord.start({
      ...known,
      experiment,
      data: describeData(data),
      ...(parent && { parent: parent.reference }),
      ...(options.repeats && { repeats: options.repeats.id }),
      ...(pretrained && { pretrained }),
      ...runs,
    });
  }
}

/** Loads films in the first process of each machine, then in the others, which find them prepared. */
async function loadInTurn(
  load: () => Promise<StageData>,
  cluster: Cluster | undefined,
): Promise<StageData> {
  if (!cluster) return await load();
  const hosts = await cluster.gather("host", hostname());
  const isFirst = hosts.indexOf(hosts[cluster.index]!) === cluster.index;
  const data = isFirst ? await load() : undefined;
  await cluster.gather("films are prepared", null);
  return data ?? await load();
}

/** Of the films and their sides: workers must have left out the same. */
function filmsHash({ prepared, split }: StageData): string {
  const ids = (films: readonly Film[]) => films.map(({ imageId }) => imageId);
  const films = [prepared.size, ids(split.training), ids(split.validation)];
  return sha256(new TextEncoder().encode(JSON.stringify(films)));
}

/** Refuses what would otherwise show after the first epoch, or never. */
function refuseUnfit(
  { name, data, training }: Experiment,
  films: StageData,
  workers: number,
): void {
  const refuse = (why: string) => {
    throw new RangeError(`Cannot train ${name} as ${why}`);
  };
  const { prepared, split } = films;
  if (prepared.size !== data.size) {
    refuse(`its films are to be ${data.size} px, and those given are ${prepared.size} px`);
  }
  if (split.training.length < training.batch) {
    refuse(`its ${split.training.length} training films do not fill a batch of ${training.batch}`);
  }
  if (training.batch % workers !== 0) {
    const [lower, upper] = [Math.floor, Math.ceil].map((f) =>
      workers * f(training.batch / workers)
    );
    const others = [lower, upper].filter((batch) => batch! > 0).join(" or ");
    refuse(
      `its batches of ${training.batch} do not part into ${workers} equal parts, one for each worker. ` +
        `Use another number of workers, or training.batch=${others}`,
    );
  }
  if (split.validation.length === 0) refuse("there are no films for validation");
  for (const part of ["training", "validation"] as const) {
    const { length } = split[part];
    if (split[part].some(({ positive }) => positive)) continue;
    refuse(`none of its ${length} ${part} films shows a pneumothorax. Use another split or fold`);
  }
}

function refuseOtherFilms({ hash }: StageData, repeats: Run | undefined): void {
  if (!repeats || repeats.data.hash === hash) return;
  throw new RangeError(
    `Cannot repeat ${repeats.id} as its films were others: those of "${repeats.data.root}" had the ` +
      `hash ${repeats.data.hash}, these have ${hash}`,
  );
}

async function findParent(experiment: Experiment, { runs, repeats }: StageOptions) {
  if (experiment.parent === undefined) return undefined;
  const earlier = repeats?.parent;
  const run = earlier ? await readRun(earlier.run, runs) : await findParentRun(experiment, runs);
  const name = earlier?.checkpoint ?? experiment.parentCheckpoint;
  const checkpoint = run?.checkpoints[name];
  if (!run || !checkpoint) {
    throw new CheckpointError(
      `Cannot start ${experiment.name} as its parent ${experiment.parent} has no finished run ` +
        `with a checkpoint "${experiment.parentCheckpoint}". Run "deno task train ` +
        `${experiment.parent}" first`,
    );
  }
  if (earlier && checkpoint.sha256 !== earlier.sha256) {
    throw new CheckpointError(
      `Cannot repeat ${repeats.id} as the checkpoint "${name}" of ${run.id}, from which it started, ` +
        `is another by now: SHA-256 ${checkpoint.sha256} instead of ${earlier.sha256}`,
    );
  }
  const reference: Parent = {
    run: run.id,
    checkpoint: name,
    sha256: checkpoint.sha256,
  };
  return { checkpoint, reference, folder: runFolder(run.id, runs) };
}

function describeData({ dataset, prepared, split, hash }: StageData) {
  const excluded = [...dataset.excluded, ...prepared.excluded];
  return {
    root: dataset.root.split(/[/\\]/).filter(Boolean).at(-1) ?? dataset.root,
    hash,
    films: {
      train: split.training.length,
      validation: split.validation.length,
      test: dataset.test.length,
    },
    excluded: excluded.map(({ imageId, reason }) => ({ id: imageId, reason })),
  };
}

/** The state of one stage while it runs. */
class Stage {
  position: Position = structuredClone(START);
  /** When it was last saved, and when the record was last touched; milliseconds. */
  #savedAt = performance.now();
  #seenAt = performance.now();
  readonly #model: SegmentationModel;
  readonly #optimizer: Optimizer;
  readonly #average: WeightAverage | undefined;
  readonly #movingAverage: MovingAverage | undefined;
  readonly #lossScale: LossScale | undefined;
  readonly #compile: CompileOptions;
  readonly #step: ReturnType<typeof trainingStep>;
  readonly #validator: ReturnType<typeof validator>;
  readonly #augment: ReturnType<typeof augmentation>;
  readonly #workers: StepWorkers | undefined;

  constructor(
    readonly experiment: Experiment,
    readonly data: StageData,
    readonly interrupt: Interrupt,
    readonly options: StageOptions,
  ) {
    const { training, validation } = experiment;
    const { cluster } = options;
    const loss = weightedLoss(training.loss, training.lossOptions);
    this.#workers = cluster && {
      collectives: cluster.collectives,
      index: cluster.index,
      synchronisesBatchNorm: training.batchNorm !== "per-worker",
    };
    this.#model = createModel({ ...experiment.model, seed: experiment.seed });
    this.#optimizer = createOptimizer(this.#model.weights.trainable, training.optimizer);
    this.#average = training.swa && new WeightAverage(this.#model);
    this.#movingAverage = training.ema && new MovingAverage(this.#model, training.ema.decay);
    this.#augment = augmentation(experiment.augmentation);
    this.#lossScale = training.mixedPrecision === "float16" ? new LossScale() : undefined;
    this.#compile = compileOptions(training);
    this.#step = trainingStep({
      model: this.#model,
      loss: weightedLoss(training.loss, training.lossOptions, cluster?.collectives),
      augment: this.#augment,
      optimizer: this.#optimizer,
      accumulation: training.accumulation,
      threshold: validation.threshold,
      ...(training.gradientClipping && { clipping: training.gradientClipping }),
      afterUpdate: () => this.#movingAverage?.update(),
      ...(this.#lossScale && { lossScale: this.#lossScale }),
      ...(this.#workers && { workers: this.#workers }),
      compile: this.#compile,
    });
    this.#validator = validator(
      this.#model,
      data.prepared,
      loss,
      validation,
      this.#compile,
      this.#workers,
    );
  }

  get #isChief(): boolean {
    return this.options.cluster?.isChief ?? true;
  }

  /** The part of each batch that this process has. */
  get #share(): Share {
    const { cluster } = this.options;
    return { index: cluster?.index ?? 0, count: cluster?.size ?? 1 };
  }

  /** What the processes average at each change of the weights, if there are several. */
  async measureReduction(): Promise<Reduction | undefined> {
    const { cluster } = this.options;
    if (!cluster) return undefined;
    const { weights, options } = this.#model;
    const movesStatistics = !this.#workers!.synchronisesBatchNorm &&
      options.normalization !== "frozen-batch";
    const reduced = movesStatistics ? weights.all : weights.trainable;
    return await measureReduction(reduced.map(({ variable }) => variable), cluster);
  }

  /** Makes all processes start where the chief does. */
  async takeFromChief(): Promise<void> {
    const { cluster } = this.options;
    if (!cluster) return;
    this.position = await cluster.fromChief("position", this.position);
    if (this.#average) this.#average.count = this.position.averaged;
    await takeFromChief(this.#groups(), cluster);
  }

  /** Takes over the weights of a finished run. */
  async startFrom(folder: string, checkpoint: Checkpoint): Promise<void> {
    await this.#loadWeights(folder, checkpoint, "parent's weights");
    this.#movingAverage?.reset();
  }

  async #loadWeights(folder: string, checkpoint: Checkpoint, what: string): Promise<void> {
    const read = await readCheckpoint(folder, checkpoint);
    assignGroup(this.#groups().weights!, read.group("weights"), what);
  }

  /** Gives the encoder the weights that the experiment names, if it names any. */
  async loadPretrained(): Promise<PretrainedFile | undefined> {
    const { weights } = this.experiment.model;
    if (weights === undefined) return undefined;
    return await loadPretrained(this.#model, resolve(projectFolder, weights));
  }

  /** Takes over everything of an interrupted run. */
  async restore(folder: string, checkpoint: Checkpoint): Promise<void> {
    const read = await readCheckpoint(folder, checkpoint);
    for (const [group, variables] of Object.entries(this.#groups())) {
      assignGroup(variables, read.group(group), group);
    }
    this.position = { ...structuredClone(START), ...(read.state as Position) };
    if (this.#average) this.#average.count = this.position.averaged;
  }

  /** Trains until the last epoch is done, averages, and ends the record, whatever happens. */
  async run(record: StageRecord): Promise<Run> {
    try {
      const { epochs } = this.experiment.training;
      const events = this.#isChief
        ? await EventFile.start(record.folder, record.run.metrics)
        : undefined;
      while (this.position.epoch < epochs && this.position.stopping.exhausted === 0) {
        await this.#epoch(record, events);
      }
      await this.#finish(record);
      await record.finish();
    } catch (caught) {
      const error = await this.options.cluster?.explain(caught) ?? caught;
      // A loss that is not finite will be so again. After all else (a full disk, too little memory, a
      // defect that is mended) the stage can go on from its checkpoint.
      if (error instanceof DivergenceError) await record.fail(error);
      else await record.interrupt(withoutPath((error as Error).message)).catch(() => {});
      throw error;
    } finally {
      record.release();
    }
    this.position.candidates = [];
    await this.#removeOldCheckpoints(record);
    return record.run;
  }

  async #epoch(record: StageRecord, events: EventFile | undefined): Promise<void> {
    const { training, validation, seed } = this.experiment;
    const { epoch } = this.position;
    const started = performance.now();
    const order = this.#order(epoch);
    const options = { batchSize: training.batch, dropRemainder: true };
    const count = batchCount(order.length, options);
    const { batch: start } = this.position;
    for await (
      const batch of batches(this.data.prepared, order, { ...options, start, share: this.#share })
    ) {
      // The last window of an epoch may be shorter; its gradients are divided by what it has.
      const windowStart = batch.index - batch.index % training.accumulation;
      // Within a window each process has gathered gradients that the others do not know.
      if (batch.index === windowStart || !this.#workers) {
        await this.#saveIfInterrupted(record);
        await this.#saveIfDue(record);
      }
      const windowEnd = Math.min(windowStart + training.accumulation, count);
      const progress = epoch + batch.index / count;
      const rate = this.#learningRate(progress);
      const random = new Random(seed, "step", epoch, batch.index);
      const tensors = batchTensors(batch);
      const inputs = [
        seedTensor(random),
        tf.scalar(rate),
        tf.scalar(1 / (windowEnd - windowStart)),
      ] as const;
      const isLast = batch.index + 1 === windowEnd;
      let result: StepResult | undefined;
      try {
        result = await this.#step.run(tensors, ...inputs, isLast);
        await this.#add(result, batch);
      } finally {
        tf.dispose([tensors, [...inputs], { ...result }]);
      }
      this.position.batch = batch.index + 1;
      this.#report(epoch, count);
    }

    const isLastEpoch = epoch + 1 === training.epochs;
    const metrics: EpochMetrics = {
      epoch: epoch + 1,
      learningRate: this.#learningRate(epoch),
      loss: this.position.lossSum / this.position.films,
      dice: this.position.diceSum / this.position.films,
    };
    if ((epoch + 1) % validation.everyEpochs === 0 || isLastEpoch) {
      const values = await this.#validator.run(this.data.split.validation, this.#stop)
        .catch((error) => this.#saveAndRethrow(error, record));
      Object.assign(metrics, prefixed(values));
    }
    metrics.seconds = (performance.now() - started) / 1000;
    await this.#endEpoch(record, metrics, events);
  }

  /** @param epoch Epochs done, a fraction within an epoch. */
  #learningRate(epoch: number): number {
    const { learningRate, epochs } = this.experiment.training;
    return learningRateAt(learningRate, epoch, epochs, this.position.plateau.exhausted);
  }

  #order(epoch: number): Film[] {
    const { training, seed } = this.experiment;
    const share = training.positiveShare;
    return epochOrder(this.data.split.training, {
      seed,
      epoch,
      ...(share !== undefined && { positiveShare: slidingAt(share, epoch, training.epochs) }),
    });
  }

  async #add({ loss, losses, counts }: StepResult, batch: Batch): Promise<void> {
    const films = counts.shape[0];
    const value = loss.dataSync()[0]!;
    if (!Number.isFinite(value)) {
      const { epoch } = this.position;
      const imageIds = await this.#filmsOf(losses, batch);
      const kept = epoch > 0 ? `the checkpoints after epoch ${epoch} are kept` : "none is kept";
      throw new DivergenceError(
        `Cannot go on training as the loss is not finite: ${value} in batch ${
          batch.index + 1
        } of epoch ` +
          `${epoch + 1}, of the films ${
            imageIds.join(", ")
          }; ${kept}. Lower the learning rate, or ` +
          `set training.gradientClipping`,
      );
    }
    const metrics = new SegmentationMetrics();
    addCounts(metrics, counts.dataSync());
    this.position.films += films;
    this.position.lossSum += value * films;
    this.position.diceSum += metrics.values().dice * films;
  }

  /** The films of the processes whose loss is not finite. */
  async #filmsOf(losses: tf.Tensor1D, { imageIds }: Batch): Promise<string[]> {
    const { cluster } = this.options;
    if (!cluster) return imageIds;
    const values = losses.dataSync();
    const all = await cluster.gather("films of a loss that is not finite", imageIds);
    return all.flatMap((imageIds, i) => Number.isFinite(values[i]) ? [] : imageIds);
  }

  #report(epoch: number, count: number): void {
    const { epochs } = this.experiment.training;
    const { batch, lossSum, films } = this.position;
    const filmsInEpoch = count * this.experiment.training.batch;
    this.options.onBatch?.({
      epoch: epoch + 1,
      epochs,
      batch,
      batches: count,
      films: epoch * filmsInEpoch + batch * this.experiment.training.batch,
      filmsInAll: epochs * filmsInEpoch,
      loss: lossSum / films,
    });
  }

  /** Averages, chooses and writes checkpoints, and puts the epoch on record with them. */
  async #endEpoch(
    record: StageRecord,
    metrics: EpochMetrics,
    events: EventFile | undefined,
  ): Promise<void> {
    const { swa, learningRate, earlyStopping, bestK } = this.experiment.training;
    this.#refuseDivergence(metrics);
    const isAveraged = swa && metrics.epoch >= swa.startEpoch &&
      (swa.each !== "cycle" || endsCycle(learningRate, metrics.epoch));
    if (isAveraged) this.#average!.add();

    const { best } = this.position;
    const { candidates } = this.position;
    let { plateau, stopping } = this.position;
    if (metrics.validationLoss !== undefined) {
      const value = (metric: "loss" | "iou" | "dice") => metrics[camel(metric)]!;
      if (learningRate.schedule === "plateau") {
        plateau = watch(plateau, value(learningRate.metric), learningRate);
      }
      if (earlyStopping) stopping = watch(stopping, value(earlyStopping.metric), earlyStopping);
    }
    const better = (["loss", "iou", "dice"] as const).filter((name) => {
      const value = name === "loss" ? metrics.validationLoss : metrics[camel(name)];
      if (value === undefined || Number.isNaN(value)) return false;
      const sign = name === "loss" ? -1 : 1;
      if (best[name] !== null && sign * value <= sign * best[name]) return false;
      best[name] = value;
      return true;
    });
    this.position = {
      ...START,
      epoch: metrics.epoch,
      averaged: this.#average?.count ?? 0,
      best,
      plateau,
      stopping,
      candidates,
    };
    if (bestK) await this.#keepCandidate(record, bestK.count, metrics.validationDice);
    const checkpoints: Partial<Record<CheckpointName, Checkpoint>> = {};
    for (const name of better) {
      checkpoints[`best-${name}`] = await this.#writeWeights(record, `best-${name}`, best[name]);
    }
    checkpoints.last = await this.#writeAll(record);
    await record.epoch(metrics, checkpoints);
    await this.#removeOldCheckpoints(record);
    if (events) {
      await writeHistory(record.folder, record.run.metrics);
      await events.add(metrics);
    }
    await this.options.onEpoch?.(record.run.metrics);
  }

  /** Refuses what a step has broken after its loss was computed, before it overwrites what is good. */
  #refuseDivergence({ epoch, validationLoss }: EpochMetrics): void {
    if (validationLoss !== undefined && !Number.isFinite(validationLoss)) {
      throw new DivergenceError(
        `Cannot go on training as the loss of the validation films is not finite after epoch ` +
          `${epoch}: ${validationLoss}. Lower the learning rate, or set training.gradientClipping`,
      );
    }
    const broken = this.#model.weights.all.find(({ variable }) =>
      !tf.tidy(() => Number.isFinite(tf.sum(variable).dataSync()[0]!))
    );
    if (!broken) return;
    throw new DivergenceError(
      `Cannot go on training as a weight is not finite after epoch ${epoch}: ${broken.name}. Lower ` +
        `the learning rate, or set training.gradientClipping`,
    );
  }

  /** Keeps the weights of an epoch that is among the best by dice. */
  async #keepCandidate(
    record: StageRecord,
    count: number,
    dice: number | undefined,
  ): Promise<void> {
    if (dice === undefined || Number.isNaN(dice)) return;
    const { candidates } = this.position;
    if (candidates.length === count && dice <= candidates.at(-1)!.value!) return;
    const candidate = await this.#writeWeights(record, "candidate", dice);
    this.position.candidates = [...candidates, candidate]
      .sort((a, b) => b.value! - a.value!)
      .slice(0, count);
  }

  /** Makes the averages that the experiment asks for, and names the final checkpoint. */
  async #finish(record: StageRecord): Promise<void> {
    const { swa, ema, bestK, final } = this.experiment.training;
    // Early stopping may have come before the first epoch of an average.
    if (swa && this.#average!.count > 0) {
      this.#average!.moveToModel();
      await this.#writeAverage(record, "swa", swa.batches);
    }
    if (ema) {
      this.#movingAverage!.moveToModel();
      await this.#writeAverage(record, "ema", ema.batches);
    }
    if (bestK && this.position.candidates.length > 0) {
      const average = new WeightAverage(this.#model);
      try {
        for (const candidate of this.position.candidates) {
          if (this.#isChief) {
            await this.#loadWeights(record.folder, candidate, "weights of one of the best epochs");
          }
          average.add();
        }
        average.moveToModel();
        const { cluster } = this.options;
        if (cluster) await takeFromChief({ weights: this.#groups().weights! }, cluster);
      } finally {
        average.dispose();
      }
      await this.#writeAverage(record, "best-k", bestK.batches);
    }
    const { checkpoints } = record.run;
    const names = [final, "swa", "best-k", "ema", "best-dice", "last"] as const;
    const chosen = names.find((name) => name !== undefined && checkpoints[name] !== undefined)!;
    await record.checkpoint("final", checkpoints[chosen]!);
  }

  /** Validates and writes the averaged weights that the model has been given. */
  async #writeAverage(
    record: StageRecord,
    name: CheckpointName,
    statisticsBatches: number | undefined,
  ): Promise<void> {
    await this.#reestimateStatistics(statisticsBatches);
    const values = await this.#validator.run(this.data.split.validation, this.#stop);
    await record.checkpoint(name, await this.#writeWeights(record, name, values.dice));
  }

  /** Makes BatchNorm's statistics the mean over batches that go through the averaged weights. */
  async #reestimateStatistics(most: number | undefined): Promise<void> {
    const { training, seed } = this.experiment;
    const order = this.#order(training.epochs - 1);
    const pass = jit(
      (images: tf.Tensor4D, masks: tf.Tensor4D, seed: tf.Tensor1D, keep: tf.Scalar) =>
        tf.tidy(() => {
          const random = new StatelessRandom(seed, this.#share);
          const augmented = inFloat32(() => this.#augment({ images, masks }, random));
          const inputs = normalizeImages(augmented.images);
          const forward = {
            training: true,
            random,
            momentum: keep,
            ...(this.#workers?.synchronisesBatchNorm && {
              acrossWorkers: this.#workers.collectives,
            }),
          } as const;
          return tf.mean(this.#model.apply(inputs, forward));
        }),
      { name: "statistics_step", ...this.#compile },
    );
    try {
      const options = { batchSize: training.batch, dropRemainder: true, share: this.#share };
      for await (const batch of batches(this.data.prepared, order, options)) {
        if (batch.index === most) break;
        this.#stop();
        const random = new Random(seed, "statistics", batch.index);
        const { images, masks } = batchTensors(batch);
        const inputs = [
          seedTensor(random),
          tf.scalar(batch.index / (batch.index + 1)),
        ] as const;
        const mean = await pass.async(images, masks, ...inputs);
        tf.dispose([images, masks, [...inputs], mean]);
      }
    } finally {
      pass.dispose();
    }
    const { cluster } = this.options;
    if (cluster && !this.#workers!.synchronisesBatchNorm) {
      const statistics = this.#model.weights.all.filter(({ trainable }) => !trainable);
      await takeMeanOfWorkers(statistics.map(({ variable }) => variable), cluster);
    }
  }

  /** Stops between two batches without saving; processes that train together go on to where they agree. */
  readonly #stop = (): void => {
    if (!this.options.cluster) this.interrupt.check();
  };

  async #saveIfInterrupted(record: StageRecord): Promise<void> {
    const { cluster } = this.options;
    const { isRequested } = this.interrupt;
    if (!(cluster ? await cluster.any("stop", isRequested) : isRequested)) return;
    await this.#save(record);
    await cluster?.gather("saved", null);
    this.interrupt.check();
    throw new InterruptedError("Stopped by another worker");
  }

  /** Saves in the middle of a long epoch, and gives a sign of life. */
  async #saveIfDue(record: StageRecord): Promise<void> {
    const now = performance.now();
    const minutesSince = (then: number) => (now - then) / 60_000;
    if (minutesSince(this.#savedAt) >= this.experiment.training.checkpointMinutes) {
      await this.#save(record);
    } else if (minutesSince(this.#seenAt) >= 1) {
      this.#seenAt = now;
      await record.heartbeat();
    }
  }

  async #save(record: StageRecord): Promise<void> {
    await record.checkpoint("last", await this.#writeAll(record));
    await this.#removeOldCheckpoints(record);
  }

  async #saveAndRethrow(error: unknown, record: StageRecord): Promise<never> {
    if (error instanceof InterruptedError) await this.#saveIfInterrupted(record);
    throw error;
  }

  /** All variables that a stage has, for a checkpoint that it can go on from. */
  #groups(): VariableGroups {
    const weights = new Map(this.#model.weights.all.map(({ name, variable }) => [name, variable]));
    return {
      weights,
      optimizer: this.#optimizer.slots,
      gathered: this.#step.gathered,
      average: this.#average?.mean ?? new Map(),
      movingAverage: this.#movingAverage?.state ?? new Map(),
      lossScale: this.#lossScale?.state ?? new Map(),
    };
  }

  async #writeAll(record: StageRecord): Promise<Checkpoint> {
    const { epoch, batch } = this.position;
    if (!this.#isChief) return notWritten(epoch, null);
    const file = fileName("last", epoch, batch);
    const written = await writeCheckpoint(record.folder, file, this.#groups(), this.position);
    this.#savedAt = this.#seenAt = performance.now();
    return { ...written, epoch, value: null };
  }

  async #writeWeights(
    record: StageRecord,
    name: CheckpointName | "candidate",
    value: number | null,
  ): Promise<Checkpoint> {
    const { epoch } = this.position;
    if (!this.#isChief) return notWritten(epoch, value);
    const groups = { weights: this.#groups().weights! };
    const state = { model: this.#model.options };
    const written = await writeCheckpoint(record.folder, fileName(name, epoch, 0), groups, state);
    return { ...written, epoch, value };
  }

  /** Removes checkpoints that the record no longer names, and what a killed process left of one. */
  async #removeOldCheckpoints(record: StageRecord): Promise<void> {
    if (!this.#isChief) return;
    const kept = [...Object.values(record.run.checkpoints), ...this.position.candidates];
    const named = new Set(kept.map(({ file }) => file));
    for await (const entry of Deno.readDir(record.folder)) {
      if (!/\.safetensors(\.\w+\.partial)?$/.test(entry.name) || named.has(entry.name)) continue;
      await Deno.remove(`${record.folder}/${entry.name}`);
    }
  }

  dispose(): void {
    this.#step.dispose();
    this.#validator.dispose();
    this.#average?.dispose();
    this.#movingAverage?.dispose();
    this.#lossScale?.dispose();
    this.#optimizer.dispose();
    this.#model.dispose();
  }
}

/** Why the system refuses to write: no space, no right, no medium. */
const REFUSALS = ["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO"];

/** What the system says of a failed write is made a message that tells what to do. */
function withAdvice(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: string };
  if (typeof code !== "string" || !REFUSALS.includes(code)) return error;
  return new CheckpointError(
    `Cannot save the stage as the system refused it: ${message}. What was saved before is intact: ` +
      `mend the cause (${code}), and start the stage again to go on`,
    { cause: error },
  );
}

/** Where and how the functions of a stage compute. */
function compileOptions(
  { device, mixedPrecision, xla }: Experiment["training"],
): CompileOptions {
  return {
    ...(device && { device }),
    ...(mixedPrecision && { mixedPrecision }),
    ...(xla && { xla }),
  };
}

/** The seed of one traced call: two int32 numbers. */
function seedTensor(random: Random): tf.Tensor1D {
  return tf.tensor1d([random.integer(2 ** 31), random.integer(2 ** 31)], "int32");
}

/** What stands for a checkpoint in a process that is not the chief. */
function notWritten(epoch: number, value: number | null): Checkpoint {
  return { file: "", sha256: "", epoch, value };
}

/** A new name for each state, so that a name in the record never holds another content. */
function fileName(name: CheckpointName | "candidate", epoch: number, batch: number): string {
  const at = `${String(epoch).padStart(4, "0")}${batch > 0 ? `-${batch}` : ""}`;
  return `${name}-${at}.safetensors`;
}

function prefixed(values: object): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [camel(name), value]));
}

function camel(name: string): string {
  return `validation${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
