import { z } from "zod";

/** What a checkpoint of a run is called; `best-*` are judged on the validation films. */
export const checkpointNames = [
  "last",
  "previous",
  "best-loss",
  "best-iou",
  "best-dice",
  "swa",
  "ema",
  "best-k",
  "final",
] as const;

/** The name of a checkpoint, see {@linkcode checkpointNames}. */
export type CheckpointName = typeof checkpointNames[number];

const wholeNumber = (least: number) => z.int().min(least);
const share = z.number().min(0).max(1);
const probability = share.describe("Share of the films that are changed");

const nameText = z.string().regex(
  /^(?!runs\/)[a-z0-9]+(?:[.-][a-z0-9]+)*(?:\/[a-z0-9]+(?:[.-][a-z0-9]+)*)*$/,
  "must be lower-case letters, digits, '-' and '.', in folders parted by '/', not under runs/",
);

/** Two numbers in rising order, both within the limits. */
function range(least: number, most: number) {
  const limit = z.number().min(least).max(most);
  return z.tuple([limit, limit]).refine(([low, high]) => low <= high, {
    message: "must rise from low to high",
  });
}

const contrast = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("percentile").default("percentile"),
    low: z.number().min(0).max(100).default(0.5)
      .describe("Percentile of a film's grey values that becomes black"),
    high: z.number().min(0).max(100).default(99.5)
      .describe("Percentile of a film's grey values that becomes white"),
  }).refine(({ low, high }) => low < high, { path: ["high"], message: "must be above low" }),
  z.strictObject({ kind: z.literal("none") }),
  z.strictObject({
    kind: z.literal("clahe"),
    clipLimit: z.number().gt(0).default(2).describe(
      "Most pixels of one grey value in a tile's histogram, in multiples of an even histogram's",
    ),
    tiles: wholeNumber(1).max(64).default(8).describe("Tiles along each axis"),
  }),
]);

const splitSeed = z.int().exactOptional()
  .describe("Seed of the split; the experiment's `seed` if left out");

const split = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("stratified").default("stratified"),
    validation: z.number().gt(0).lt(1).default(0.15)
      .describe("Share of the films kept for validation"),
    groupByPatient: z.boolean().default(true)
      .describe("Keep all films of a patient on one side, as folds always do"),
    seed: splitSeed,
  }),
  z.strictObject({
    kind: z.literal("folds"),
    folds: wholeNumber(2).default(5).describe("Number of folds"),
    fold: wholeNumber(0).default(0).describe("Fold kept for validation, from 0"),
    seed: splitSeed,
  }).refine(({ folds, fold }) => fold < folds, { path: ["fold"], message: "must be below folds" }),
]);

const data = z.strictObject({
  size: wholeNumber(32).multipleOf(32).describe("Side of the square network input, px"),
  contrast: contrast.prefault({}).describe("How grey values become network input"),
  split: split.prefault({}).describe("How the labelled films part into training and validation"),
  limit: z.strictObject({
    train: wholeNumber(1).exactOptional().describe("Most training films"),
    validation: wholeNumber(1).exactOptional().describe("Most validation films"),
  }).exactOptional().describe("Use only some films of each side, for quick runs; all if left out"),
});

const model = z.strictObject({
  architecture: z.enum(["unet", "encoder-unet", "unet++", "simplified-unet++", "deeplabv3+"])
    .default("simplified-unet++").describe("Decoder; `unet` brings its own encoder"),
  encoder: z.enum([
    "efficientnet-b0",
    "efficientnet-b1",
    "efficientnet-b2",
    "efficientnet-b3",
    "efficientnet-b4",
    "efficientnet-b5",
    "efficientnet-b6",
    "efficientnet-b7",
    "resnet34",
    "resnet50",
    "resnet50-v1",
    "seresnext50-32x4d",
  ]).default("efficientnet-b4").describe("Encoder"),
  startFilters: wholeNumber(1).default(8)
    .describe("Channels of the decoder at full size; twice as many at each level below"),
  deepSupervision: z.boolean().default(false)
    .describe("Whether `unet++` learns the mask at each of its depths and predicts their mean"),
  dropout: z.number().min(0).lt(1).default(0.5)
    .describe("Share of activations dropped at the deepest levels; half of it before the output"),
  prior: z.number().gt(0).lt(1).default(0.01).describe(
    "Probability of pneumothorax that an untrained network says at every pixel; near the share of " +
      "such pixels, training starts much faster",
  ),
  batchNormMomentum: z.number().min(0).lt(1).default(0.99)
    .describe("Share of the running statistics kept at each step; short stages need 0.9"),
  normalization: z.enum(["batch", "frozen-batch", "group"]).exactOptional().describe(
    "Normalization of the decoder: over the batch, by the parent's statistics and scale (those of the " +
      "encoder are kept too), or over groups of channels; batch if left out",
  ),
  gradientCheckpointing: z.boolean().exactOptional().describe(
    "Compute the inside of blocks again in the backward pass: less memory, more time; false if left out",
  ),
  weights: z.string().min(1).exactOptional()
    .describe(
      "File of pretrained encoder weights that `deno task weights` made, from the project's " +
        "folder; random if left out",
    ),
}).refine(({ architecture, deepSupervision }) => !deepSupervision || architecture === "unet++", {
  path: ["deepSupervision"],
  message: "must be false unless the architecture is unet++",
});

const lossWeight = z.number().min(0).exactOptional();

const loss = z.strictObject({
  bce: lossWeight.describe("Weight of binary cross-entropy"),
  dice: lossWeight.describe("Weight of soft dice"),
  focal: lossWeight.describe("Weight of the focal loss"),
  lovasz: lossWeight.describe("Weight of the Lovász hinge"),
  symmetricLovasz: lossWeight.describe(
    "Weight of the mean of the Lovász hinge and that of the inverted problem",
  ),
}).refine((weights) => Object.values(weights).some((weight) => weight > 0), {
  message: "must give at least one loss a weight above 0",
});

const per = (standard: "batch" | "image") =>
  z.enum(["batch", "image"]).default(standard)
    .describe("Whether the ratio is that of the whole batch, or the mean of each image's");

const lovaszOptions = z.strictObject({
  per: per("image"),
  positiveWeight: z.number().gt(0).default(1)
    .describe("How many pixels a pixel of the mask counts as"),
});

const lossOptions = z.strictObject({
  dice: z.strictObject({
    per: per("batch"),
    smooth: z.number().gt(0).default(1).describe("Added to numerator and denominator"),
  }).exactOptional().describe("Options of soft dice; their defaults if left out"),
  focal: z.strictObject({
    gamma: z.number().min(0).default(2)
      .describe("Focusing exponent: how much less well-classified pixels count"),
  }).prefault({}).describe("Options of the focal loss"),
  lovasz: lovaszOptions.exactOptional()
    .describe("Options of the Lovász hinge; their defaults if left out"),
  symmetricLovasz: lovaszOptions.exactOptional()
    .describe("Options of the symmetric Lovász hinge; their defaults if left out"),
});

const moments = {
  beta1: z.number().min(0).lt(1).default(0.9).describe("Decay of the gradients' running mean"),
  beta2: z.number().min(0).lt(1).default(0.999)
    .describe("Decay of the squared gradients' running mean"),
  epsilon: z.number().gt(0).default(1e-7).describe("Added to the denominator"),
};

const optimizer = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("adam").default("adam"), ...moments }),
  z.strictObject({
    kind: z.literal("adamw"),
    ...moments,
    weightDecay: z.number().min(0).default(0.004)
      .describe("Share of each weight that a step takes off, times the learning rate"),
  }),
  z.strictObject({
    kind: z.literal("sgd"),
    momentum: z.number().min(0).lt(1).default(0).describe(
      "Share of its velocity that a step keeps",
    ),
    nesterov: z.boolean().default(false).describe("Take the gradient's step ahead of the velocity"),
  }),
]);

const gradientClipping = z.strictObject({
  by: z.enum(["global-norm", "value"])
    .describe("Scale all gradients down together, or cut off each number"),
  limit: z.number().gt(0).describe("Largest norm of all gradients, or largest absolute value"),
});

const watchedMetric = z.enum(["loss", "iou", "dice"]).default("dice")
  .describe("Metric of the validation films that is watched");

const initialRate = z.number().gt(0).default(1e-3).describe("Learning rate after the warm-up");
const warmupEpochs = z.number().min(0).default(0)
  .describe("Epochs of linear rise from 0; a fraction is allowed");

const cosineLimits = {
  initial: initialRate,
  final: z.number().min(0).default(0).describe("Learning rate at the end of a cycle"),
  warmupEpochs,
};
const finalBelowInitial = { path: ["final"], message: "must be at most initial" };

const learningRate = z.discriminatedUnion("schedule", [
  z.strictObject({
    schedule: z.literal("cosine").default("cosine"),
    initial: initialRate,
    final: z.number().min(0).default(0).describe("Learning rate at the end of the last epoch"),
    warmupEpochs,
  }).refine(({ initial, final }) => final <= initial, finalBelowInitial),
  z.strictObject({ schedule: z.literal("constant"), initial: initialRate, warmupEpochs }),
  z.strictObject({
    schedule: z.literal("cosine-restarts"),
    ...cosineLimits,
    cycleEpochs: wholeNumber(1).describe("Epochs of the first cosine cycle"),
    cycleFactor: wholeNumber(1).default(1).describe("How many times as long each next cycle is"),
  }).refine(({ initial, final }) => final <= initial, finalBelowInitial),
  z.strictObject({
    schedule: z.literal("plateau"),
    initial: initialRate,
    warmupEpochs,
    metric: watchedMetric,
    factor: z.number().gt(0).lt(1).default(0.5).describe("What a reduction multiplies the rate by"),
    patience: wholeNumber(1).default(3)
      .describe("Validations without improvement before a reduction"),
    minimumChange: z.number().min(0).default(0).describe("Least change that is an improvement"),
    minimum: z.number().min(0).default(0).describe("Learning rate below which it does not go"),
  }),
]);

const positiveShare = z.union([
  share,
  z.strictObject({
    from: share.describe("Share in the first epoch"),
    to: share.describe("Share in the last epoch"),
  }),
]);

const batches = wholeNumber(1).exactOptional()
  .describe("Batches that re-estimate the BatchNorm statistics; one epoch if left out");

const swa = z.strictObject({
  startEpoch: wholeNumber(1)
    .describe("First epoch (from 1) whose weights, at its end, go into the average"),
  each: z.enum(["epoch", "cycle"]).exactOptional().describe(
    "Average over each epoch, or over the last epochs of the cosine cycles; epoch if left out",
  ),
  batches,
});

const ema = z.strictObject({
  decay: z.number().gt(0).lt(1).default(0.999)
    .describe("Share of the average that a step keeps; less in the first steps"),
  batches,
});

const bestK = z.strictObject({
  count: wholeNumber(2).default(3).describe("Epochs with the best validation dice to average"),
  batches,
});

const earlyStopping = z.strictObject({
  metric: watchedMetric,
  patience: wholeNumber(1).default(10)
    .describe("Validations without improvement after which the stage ends"),
  minimumChange: z.number().min(0).default(0).describe("Least change that is an improvement"),
});

const training = z.strictObject({
  epochs: wholeNumber(1).describe("Passes over the training films"),
  batch: wholeNumber(1).describe("Films in a batch"),
  accumulation: wholeNumber(1).default(1)
    .describe("Batches whose gradients are averaged for one step of the optimizer"),
  loss: loss.default({ bce: 1, dice: 1 }).describe("Weight of each loss in their sum"),
  lossOptions: lossOptions.prefault({}).describe("Options of the losses"),
  optimizer: optimizer.prefault({}).describe("Optimizer"),
  gradientClipping: gradientClipping.exactOptional()
    .describe("Limit of the gradients before a step of the optimizer; none if left out"),
  batchNorm: z.enum(["synchronised", "per-worker"]).exactOptional().describe(
    "Over the whole batch of all workers, or each worker's part (faster); synchronised if left out",
  ),
  learningRate: learningRate.prefault({}).describe("Learning rate over the stage"),
  positiveShare: positiveShare.exactOptional().describe(
    "Share of an epoch's films with pneumothorax, one number or linear over the stage; the " +
      "data's own if left out",
  ),
  swa: swa.exactOptional().describe("Stochastic weight averaging; none if left out"),
  ema: ema.exactOptional()
    .describe("Exponential moving average of the weights after each step; none if left out"),
  bestK: bestK.exactOptional()
    .describe("Average of the weights of the best epochs; none if left out"),
  final: z.enum(checkpointNames).exclude(["final", "previous"]).exactOptional().describe(
    "Checkpoint that becomes final; if left out the first there is of swa, best-k, ema, best-dice",
  ),
  checkpointMinutes: z.number().gt(0).default(15).describe(
    "Minutes after which a long epoch is saved in its middle; each epoch is saved at its end",
  ),
  earlyStopping: earlyStopping.exactOptional()
    .describe("End before the last epoch; all epochs if left out"),
  precision: z.enum(["float32"]).default("float32")
    .describe("Number format of weights, gradients and loss"),
  mixedPrecision: z.enum(["float16", "bfloat16"]).exactOptional().describe(
    "Number format of convolutions and matrix products: float16 for GPUs, with a loss scale; " +
      "bfloat16 for CPUs that have it, of activations too; float32 if left out",
  ),
  device: z.enum(["auto", "cpu", "gpu"]).exactOptional()
    .describe("Where steps are computed; if left out auto, a GPU if there is one"),
  xla: z.boolean().exactOptional()
    .describe("Compile steps with XLA, which can pay on a GPU; false if left out"),
}).refine(({ mixedPrecision, xla }) => !(mixedPrecision && xla), {
  path: ["xla"],
  message: "must be false with mixedPrecision, which TensorFlow does not bring into XLA",
}).refine(({ mixedPrecision, device }) => !(mixedPrecision === "bfloat16" && device === "gpu"), {
  path: ["mixedPrecision"],
  message: "must be float16 on a gpu",
}).refine(({ swa, epochs }) => swa === undefined || swa.startEpoch <= epochs, {
  path: ["swa", "startEpoch"],
  message: "must be at most training.epochs",
}).refine(({ learningRate, epochs }) => learningRate.warmupEpochs < epochs, {
  path: ["learningRate", "warmupEpochs"],
  message: "must be below training.epochs",
}).refine(({ swa, learningRate }) => {
  return swa?.each !== "cycle" || learningRate.schedule === "cosine-restarts";
}, {
  path: ["swa", "each"],
  message: "must be epoch unless training.learningRate.schedule is cosine-restarts",
}).refine(({ final, swa, ema, bestK }) => {
  const made = { swa, ema, "best-k": bestK };
  return !(final === "swa" || final === "ema" || final === "best-k") || made[final] !== undefined;
}, { path: ["final"], message: "must be an average that this stage makes" });

const augmentation = z.strictObject({
  horizontalFlip: z.strictObject({ probability }).exactOptional()
    .describe("Mirror left and right"),
  clahe: z.strictObject({
    probability,
    clipLimit: range(0.1, 100).describe(
      "Most pixels of one grey value in a tile's histogram, in multiples of an even histogram's",
    ),
    tiles: wholeNumber(1).max(32).default(8).describe("Tiles along each axis"),
  }).exactOptional().describe(
    "Contrast-limited adaptive histogram equalization, before the other changes of grey values",
  ),
  contrast: z.strictObject({
    probability,
    range: range(0, 10).describe("Factor of the distance from the film's mean grey"),
  }).exactOptional().describe("Random contrast"),
  brightness: z.strictObject({
    probability,
    range: range(-1, 1).describe("Added grey, in parts of the full scale"),
  }).exactOptional().describe("Random brightness"),
  gamma: z.strictObject({
    probability,
    range: range(0.1, 10).describe("Exponent on grey values of 0 to 1"),
  }).exactOptional().describe("Random gamma"),
  crop: z.strictObject({
    probability,
    zoom: range(0.1, 1).describe("Share of the side that is kept, then scaled to the full size"),
  }).exactOptional().describe("Random crop"),
  elastic: z.strictObject({
    probability,
    alpha: range(0, 0.2).describe(
      "Standard deviation of the displacement along each axis, in parts of the side",
    ),
    sigma: z.number().min(0.005).max(0.2).default(0.05).describe(
      "Standard deviation of the Gaussian that smooths it, in parts of the side; twice alpha or " +
        "more, else the film folds",
    ),
  }).exactOptional().describe("Elastic transform"),
  gridDistortion: z.strictObject({
    probability,
    range: range(0, 0.9).describe("Limit of how much rows and columns of cells stretch or shrink"),
    steps: wholeNumber(1).max(32).default(5).describe("Cells along each axis"),
  }).exactOptional().describe("Grid distortion"),
  opticalDistortion: z.strictObject({
    probability,
    range: range(-0.35, 1).describe("Coefficient of the lens: below 0 pincushion, above 0 barrel"),
  }).exactOptional().describe("Optical distortion"),
});

const validation = z.strictObject({
  batch: wholeNumber(1).default(8).describe("Films in a batch"),
  threshold: share.default(0.5).describe("Probability above which a pixel is positive in metrics"),
  everyEpochs: wholeNumber(1).default(1).describe("Epochs from one validation to the next"),
});

const flip = z.boolean().default(true)
  .describe("Test-time augmentation: mean of the film's and its mirror image's probabilities");

const bySex = z.strictObject({
  M: share.describe("Probability for films of men"),
  F: share.describe("Probability for films of women"),
}).exactOptional().describe(
  "The probability above which a pixel counts, for each sex; where a film does not tell it, the " +
    "common one is used",
);

/** How probabilities become a mask. */
export const postprocessingSchema = z.discriminatedUnion("rule", [
  z.strictObject({
    rule: z.literal("threshold").default("threshold"),
    flip,
    threshold: share.default(0.5).describe("Probability above which a pixel is positive"),
    minimumArea: z.number().min(0).default(2000)
      .describe("Connected components below this area are dropped, px at 1024 x 1024"),
    bySex,
  }),
  z.strictObject({
    rule: z.literal("triplet"),
    flip,
    top: share.default(0.75).describe("Probability of a sure pixel"),
    area: z.number().min(0).default(2000)
      .describe("Least area of sure pixels in a positive film, px at 1024 x 1024"),
    bottom: share.default(0.3).describe("Probability above which a positive film's pixel counts"),
    minimumRegion: z.number().min(0).exactOptional().describe(
      "Connected components below this area are dropped, px at 1024 x 1024; none if left out",
    ),
    bySex,
  }).refine(({ top, bottom }) => bottom <= top, {
    path: ["bottom"],
    message: "must be at most top",
  }).refine(({ top, bySex }) => !bySex || Math.max(bySex.M, bySex.F) <= top, {
    path: ["bySex"],
    message: "must be at most top",
  }),
]);

const finding = z.strictObject({
  code: z.string().regex(/^[0-9]{6,16}$/, "must be 6 to 16 digits")
    .describe("Number of the SNOMED CT concept"),
  meaning: z.string().regex(/^[ -\[\]-~]{1,64}$/, "must be 1 to 64 ASCII characters, no backslash")
    .describe("What it is called; viewers show it"),
});

/** What an experiment's file and a loaded experiment have in common. */
const fields = z.strictObject({
  name: nameText.describe("The file's path in its `experiments/` folder, without `.yaml`"),
  description: z.string().default("").describe("One line for tables"),
  seed: z.int().default(0)
    .describe("Seed of order, augmentation, dropout, initial weights and, by default, the split"),
  data: data.describe("Films"),
  finding: finding.exactOptional()
    .describe("What the masks show, for `deno task predict`; pneumothorax if left out"),
  model: model.prefault({}).describe("Network"),
  parent: nameText.exactOptional()
    .describe("Experiment whose finished run this one goes on from; none if left out"),
  parentCheckpoint: z.enum(checkpointNames).exclude(["previous"]).default("final")
    .describe("Checkpoint of that run to start from"),
  training: training.describe("Training stage"),
  augmentation: augmentation.prefault({}).describe("Random changes of the training films"),
  validation: validation.prefault({}).describe("Validation after an epoch"),
  postprocessing: postprocessingSchema.prefault({}).describe(
    "From probabilities to the submitted mask",
  ),
});

/** An experiment's file: `quick` stays as it was written, it is checked once it is merged in. */
export const fileSchema = fields.extend({
  quick: z.record(z.string(), z.unknown()).exactOptional()
    .describe("Fields to use instead when `PNEUMOTHORAX_QUICK=1`, merged into the others"),
});

/**
 * A whole experiment: every default filled in, `data.split.seed` resolved, and `quick` telling
 * whether the quick fields were merged in.
 */
export const experimentSchema = fields.extend({
  quick: z.boolean().default(false).describe("Whether the quick fields are in use"),
}).superRefine(({ name, parent, model }, context) => {
  if (parent === name) {
    context.addIssue({ code: "custom", path: ["parent"], message: "must be another experiment" });
  }
  if (parent !== undefined && model.weights !== undefined) {
    const message = "must be left out where there is a parent, whose weights are used";
    context.addIssue({ code: "custom", path: ["model", "weights"], message });
  }
}).transform((experiment) => {
  const split = { ...experiment.data.split, seed: experiment.data.split.seed ?? experiment.seed };
  return { ...experiment, data: { ...experiment.data, split } };
});

/** What to run: one checked YAML file of `experiments/`, complete with its defaults. */
export type Experiment = z.output<typeof experimentSchema>;
