import { inFloat32, rawOp, tf } from "@/tensorflow/mod.ts";
import { type Attributes, FLOAT, NHWC, register, run } from "./register.ts";

const BATCH_NORM_TRAINING = "project/BatchNormTraining";
register(
  BATCH_NORM_TRAINING,
  ({ x, gamma, beta, mean, variance }, attributes) => {
    const none = tf.tensor1d([]);
    return rawOp("FusedBatchNormV3", [x!, gamma!, beta!, mean ?? none, variance ?? none], {
      ...fusedBatchNorm(attributes, true),
      exponential_avg_factor: { float: 1 - (attributes!.keep as number) },
    }, 6);
  },
  {
    inputsToSave: ["x", "gamma"],
    outputsToSave: [false, false, false, true, true, true],
    gradFunc: (dys, [x, gamma, ...reserved], attributes) => {
      // Not inside the functions below: TensorFlow.js frees what each of them leaves behind.
      const gradients = rawOp(
        "FusedBatchNormGradV3",
        [(dys as tf.Tensor[])[0]!, x!, gamma!, ...reserved],
        fusedBatchNorm(attributes, true),
        5,
      );
      return { x: () => gradients[0]!, gamma: () => gradients[1]!, beta: () => gradients[2]! };
    },
  },
);

const BATCH_NORM_INFERENCE = "project/BatchNormInference";
register(
  BATCH_NORM_INFERENCE,
  ({ x, gamma, beta, mean, variance }, attributes) =>
    rawOp(
      "FusedBatchNormV3",
      [x!, gamma!, beta!, mean!, variance!],
      fusedBatchNorm(attributes, false),
      6,
    )[0]!,
  {
    inputsToSave: ["x", "gamma", "mean", "variance"],
    gradFunc: (dy, [x, gamma, mean, variance], attributes) => {
      const scale = () => tf.rsqrt(tf.add(variance!, attributes!.epsilon as number));
      const sum = (t: tf.Tensor) => tf.sum(t, [0, 1, 2]);
      return {
        x: () => tf.mul(dy as tf.Tensor, tf.mul(gamma!, scale())),
        gamma: () => sum(tf.mul(dy as tf.Tensor, tf.mul(tf.sub(x!, mean!), scale()))),
        beta: () => sum(dy as tf.Tensor),
        mean: () => tf.zerosLike(mean!),
        variance: () => tf.zerosLike(variance!),
      };
    },
  },
);

/** The gradients of {@linkcode batchNormInference} by its input, scale and shift, in one operation. */
export function batchNormFrozenGradient(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  gamma: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  epsilon: number,
): [dx: tf.Tensor4D, dgamma: tf.Tensor1D, dbeta: tf.Tensor1D] {
  const inputs = [dy, x, gamma, mean, variance, tf.tensor1d([])];
  const attributes = fusedBatchNorm({ epsilon }, false);
  const [dx, dgamma, dbeta] = rawOp("FusedBatchNormGradV3", inputs, attributes, 5);
  return [dx as tf.Tensor4D, dgamma as tf.Tensor1D, dbeta as tf.Tensor1D];
}

function fusedBatchNorm(attributes: Attributes, training: boolean) {
  return {
    ...FLOAT,
    U: { type: "float32" },
    epsilon: { float: attributes!.epsilon as number },
    ...NHWC,
    is_training: { bool: training },
  } as const;
}

/** The statistics that a normalization has kept so far. // [channels] each */
export interface MovingStatistics {
  mean: tf.Tensor;
  variance: tf.Tensor;
  /** Share of them that is kept, the rest being the batch's; in `(0, 1)`. */
  keep: number;
}

/**
 * Normalises with the statistics of the batch (Ioffe & Szegedy 2015).
 *
 * @param moving Default: none.
 * @returns The output `[batch, height, width, channels]`, and the batch's mean and (unbiased)
 * variance `[channels]`, or with `moving` the next ones of those. They carry no gradient.
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
  moving?: MovingStatistics,
): [output: tf.Tensor4D, mean: tf.Tensor1D, variance: tf.Tensor1D] {
  const { keep = 0, ...statistics } = moving ?? {};
  return run<[tf.Tensor4D, tf.Tensor1D, tf.Tensor1D]>(
    BATCH_NORM_TRAINING,
    { x, gamma, beta, ...statistics },
    { epsilon, keep },
  );
}

/** Normalises with stored statistics, which get no gradient. */
export function batchNormInference(
  x: tf.Tensor4D,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  epsilon: number,
): tf.Tensor4D {
  return run(BATCH_NORM_INFERENCE, { x, gamma, beta, mean, variance }, { epsilon });
}

const GROUP_NORM = "project/GroupNorm";
register(
  GROUP_NORM,
  ({ x, gamma, beta }, attributes) => {
    const groups = inGroups(x as tf.Tensor4D, attributes);
    const { mean, variance } = inFloat32(() => tf.moments(groups, GROUP_AXES, true));
    const scale = tf.rsqrt(tf.add(variance, attributes!.epsilon as number));
    const normal = tf.reshape(tf.mul(tf.sub(groups, mean), scale), x!.shape);
    const y = tf.add(tf.mul(normal, gamma as tf.Tensor), beta as tf.Tensor);
    tf.dispose([groups, variance, normal]);
    return [y, mean, scale];
  },
  {
    inputsToSave: ["x", "gamma"],
    outputsToSave: [false, true, true],
    gradFunc: (dys, [x, gamma, mean, scale], attributes) => {
      const dy = (dys as tf.Tensor[])[0]!;
      const normalised = () => {
        const groups = inGroups(x as tf.Tensor4D, attributes);
        return tf.mul(tf.sub(groups, mean!), scale!);
      };
      const sum = (t: tf.Tensor) => tf.sum(t, [0, 1, 2]);
      return {
        // What changes a group's mean or variance comes back through both.
        x: () =>
          inFloat32(() => {
            const normal = normalised();
            const slope = inGroups(tf.mul(dy, gamma!) as tf.Tensor4D, attributes);
            const throughMean = tf.mean(slope, GROUP_AXES, true);
            const throughVariance = tf.mean(tf.mul(slope, normal), GROUP_AXES, true);
            const rest = tf.sub(tf.sub(slope, throughMean), tf.mul(normal, throughVariance));
            return tf.reshape(tf.mul(rest, scale!), x!.shape);
          }),
        gamma: () => sum(tf.mul(dy, tf.reshape(normalised(), x!.shape))),
        beta: () => sum(dy),
      };
    },
  },
);

/** Rows, columns, and channels of a group. */
const GROUP_AXES = [1, 2, 4];

function inGroups(x: tf.Tensor4D, attributes: Attributes): tf.Tensor5D {
  const [batch, height, width, channels] = x.shape;
  const groups = attributes!.groups as number;
  return tf.reshape(x, [batch, height, width, groups, channels / groups]);
}

/**
 * Normalises each image over groups of its channels (Wu & He 2018); its gradient keeps only `x` and the
 * groups' statistics in memory.
 */
export function groupNorm(
  x: tf.Tensor4D,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  groups: number,
  epsilon: number,
): tf.Tensor4D {
  return run<[tf.Tensor4D]>(GROUP_NORM, { x, gamma, beta }, { groups, epsilon })[0];
}
