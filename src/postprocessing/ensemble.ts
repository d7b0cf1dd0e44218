import {
  FILM_SIZE,
  type FilmFile,
  type ImageBatch,
  imageBatches,
  prepare,
  type Prepared,
  type PrepareProgress,
} from "@/data/mod.ts";
import { INFERENCE, normalizeImages } from "@/model/mod.ts";
import { jit, type Jitted, type MixedPrecision, tf } from "@/tensorflow/mod.ts";
import { averageProbabilities } from "./probabilities.ts";
import type { TrainedModel } from "./trained_model.ts";

/** What the models say of one film. */
export interface Prediction {
  imageId: string;
  /** Probability of pneumothorax of each pixel, row-major. // [1024 * 1024] */
  probabilities: Float32Array;
}

/** How an ensemble predicts. */
export interface EnsembleOptions {
  /** Whether each film is also predicted mirrored, and the two averaged. Default: true. */
  flip?: boolean;
  /** Films in a batch. Default: 4. */
  batch?: number;
  /**
   * Convolutions in this format: "bfloat16" for CPUs that have it, "float16" for GPUs. Probabilities
   * then move by some thousandths. Default: float32.
   */
  mixedPrecision?: MixedPrecision;
}

/** Where the films come from. */
export interface PredictOptions {
  /** The data set's folder. */
  root: string;
  /** Where prepared films are kept. Default: `prepared` in the data set's folder. */
  folder?: string;
  /** Called after each film that is prepared for one of the models. */
  onPrepare?: (progress: PrepareProgress) => void;
  /** Called after each film. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

interface Member {
  trained: TrainedModel;
  predict: Jitted<[tf.Tensor4D], tf.Tensor3D>;
}

/**
 * One or more trained models, each at its own size, whose probabilities are averaged at the films'
 * full size.
 */
export class Ensemble {
  readonly #members: Member[];
  readonly #batch: number;

  /** @param models At least one; the ensemble frees them. */
  constructor(
    models: readonly TrainedModel[],
    { flip = true, batch = 4, mixedPrecision }: EnsembleOptions = {},
  ) {
    if (models.length === 0) throw new RangeError("Cannot make an ensemble as there is no model");
    this.#batch = batch;
    this.#members = models.map((trained) => ({
      trained,
      predict: jit((images: tf.Tensor4D) => fullSizeProbabilities(trained, images, flip), {
        name: "predict",
        freeze: true,
        ...(mixedPrecision && { mixedPrecision }),
      }),
    }));
  }

  /**
   * Predicts films one batch ahead of the caller, so that memory does not grow with their number.
   *
   * @throws {Error} If a film cannot be decoded: a submission needs every film, and an empty mask in
   * its place would hide the fault.
   */
  async *predict(
    films: readonly FilmFile[],
    { root, folder, onPrepare, onProgress }: PredictOptions,
  ): AsyncGenerator<Prediction, void, void> {
    const streams: AsyncGenerator<ImageBatch, void, void>[] = [];
    for (const { trained } of this.#members) {
      const { size, contrast } = trained.run.experiment.data;
      const prepared = await prepare(films, {
        root,
        size,
        contrast,
        // Not one may be missing: the error below counts them all.
        maximumExcluded: 1,
        ...(folder !== undefined && { folder }),
        ...(onPrepare && { onProgress: onPrepare }),
      });
      refuseMissing(films, prepared);
      streams.push(imageBatches(prepared, films, { batchSize: this.#batch }));
    }
    let done = 0;
    // The next batch is predicted while the caller works on the films of this one.
    let ahead = this.#next(streams);
    try {
      for (;;) {
        const batch = await ahead;
        if (!batch) return;
        ahead = this.#next(streams);
        ahead.catch(() => {}); // told when its turn comes
        for (const [place, imageId] of batch.imageIds.entries()) {
          const area = FILM_SIZE * FILM_SIZE;
          const probabilities = averageProbabilities(
            batch.maps.map((map) => map.subarray(place * area, (place + 1) * area)),
          );
          yield { imageId, probabilities };
          onProgress?.({ done: ++done, total: films.length });
        }
      }
    } finally {
      await Promise.allSettled([ahead]);
      for (const stream of streams) await stream.return();
    }
  }

  /** What each member says of the next batch; nothing after the last. */
  async #next(
    streams: readonly AsyncGenerator<ImageBatch, void, void>[],
  ): Promise<{ imageIds: string[]; maps: Float32Array[] } | undefined> {
    const steps = await Promise.all(streams.map((stream) => stream.next()));
    const batches = steps.flatMap((step) => step.done ? [] : [step.value]);
    if (batches.length === 0) return undefined;
    const maps: Float32Array[] = [];
    for (const [i, batch] of batches.entries()) {
      maps.push(await this.#run(this.#members[i]!, batch));
    }
    return { imageIds: batches[0]!.imageIds, maps };
  }

  async #run({ predict }: Member, { count, size, images }: ImageBatch): Promise<Float32Array> {
    const input = tf.tensor4d(images, [count, size, size, 1]);
    try {
      const output = await predict.async(input);
      const probabilities = output.dataSync() as Float32Array;
      output.dispose();
      return probabilities;
    } finally {
      input.dispose();
    }
  }

  /** Frees the models. */
  dispose(): void {
    for (const { trained, predict } of this.#members) {
      predict.dispose();
      trained.model.dispose();
    }
  }
}

/** `[batch, size, size, 1]` to probabilities `[batch, 1024, 1024]`. */
function fullSizeProbabilities(
  { model }: TrainedModel,
  images: tf.Tensor4D,
  flip: boolean,
): tf.Tensor3D {
  return tf.tidy(() => {
    const inputs = normalizeImages(images);
    const predict = (x: tf.Tensor4D) => tf.sigmoid(model.apply(x, INFERENCE));
    const WIDTH = 2;
    let probabilities = predict(inputs);
    if (flip) {
      const mirrored = tf.reverse(predict(tf.reverse(inputs, WIDTH)), WIDTH);
      probabilities = tf.div(tf.add(probabilities, mirrored), 2);
    }
    const halfPixelCenters = true;
    const resized = tf.image.resizeBilinear(
      probabilities,
      [FILM_SIZE, FILM_SIZE],
      false,
      halfPixelCenters,
    );
    return tf.squeeze(resized, [3]) as tf.Tensor3D;
  });
}

function refuseMissing(films: readonly FilmFile[], prepared: Prepared): void {
  const missing = films.filter((film) => !prepared.has(film.imageId));
  if (missing.length === 0) return;
  const reason = prepared.excluded.find(({ imageId }) => imageId === missing[0]!.imageId)?.reason;
  throw new Error(
    `Cannot predict all films as ${missing.length} cannot be decoded, the first is ` +
      `${missing[0]!.path}: ${reason}. Repair or remove the file`,
  );
}
