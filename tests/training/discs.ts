import { join } from "node:path";
import type { Film, Prepared } from "@/data/mod.ts";
import { type Experiment, loadExperiment } from "@/experiments/mod.ts";
import { Random } from "@/random/mod.ts";
import type { StageData } from "@/training/mod.ts";

/** Rows and columns: small enough to train on in seconds. */
const SIZE = 64;

/** Films of noise, two of three with a bright disc that is their mask. */
export function discs(
  { training, validation }: { training: number; validation: number },
): StageData {
  const films = Array.from({ length: training + validation }, (_, i): Film => {
    const positive = i % 3 !== 0;
    const imageId = `disc-${i}`;
    return { imageId, path: "", bytes: 1, patientId: imageId, rows: [], positive, area: 0 };
  });
  const prepared = {
    size: SIZE,
    excluded: [{ imageId: "disc-broken", reason: "made up" }],
    has: () => true,
    readImage: (imageId: string) => Promise.resolve(draw(imageId).image),
    readMask: (imageId: string) => Promise.resolve(draw(imageId).mask),
  };
  return {
    dataset: { root: "/somewhere/discs", train: films, test: [], excluded: [] },
    prepared: prepared as unknown as Prepared,
    split: { training: films.slice(0, training), validation: films.slice(training) },
    hash: "a hash of discs",
  };
}

function draw(imageId: string): { image: Uint8Array; mask: Uint8Array } {
  const random = new Random(0, imageId);
  const [x, y, radius] = [random.uniform(16, 48), random.uniform(16, 48), random.uniform(6, 14)];
  const isPositive = Number(imageId.split("-")[1]) % 3 !== 0;
  const image = new Uint8Array(SIZE * SIZE), mask = new Uint8Array(SIZE * SIZE);
  for (let i = 0; i < image.length; i++) {
    const isInside = Math.hypot(i % SIZE - x, Math.floor(i / SIZE) - y) < radius;
    if (isPositive && isInside) mask[i] = 255;
    image[i] = random.uniform(30, 90) + (mask[i]! > 0 ? 120 : 0);
  }
  return { image, mask };
}

/** What the experiments on discs have in common. */
const FIELDS = `
seed: 1
data: { size: ${SIZE} }
model: { encoder: efficientnet-b0, startFilters: 2, dropout: 0.2, batchNormMomentum: 0.9 }
training: { epochs: 2, batch: 4, loss: { bce: 1, dice: 1 }, positiveShare: 0.5 }
augmentation:
  horizontalFlip: { probability: 0.5 }
  contrast: { probability: 0.3, range: [0.8, 1.2] }
  gamma: { probability: 0.3, range: [0.8, 1.2] }
  brightness: { probability: 0.3, range: [-0.1, 0.1] }
  crop: { probability: 0.3, zoom: [0.8, 1] }
validation: { batch: 4 }
`;

/** An experiment on discs: "first", or "second", which goes on from it. */
export async function discExperiment(
  name: "first" | "second",
  overrides: readonly string[] = [],
): Promise<Experiment> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, "first.yaml"), `name: first\n${FIELDS}`);
    const second = `name: second\nparent: first\n${FIELDS}`;
    await Deno.writeTextFile(join(folder, "second.yaml"), second);
    return await loadExperiment(name, { folder, overrides, quick: false });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A stage with everything that a run must restore to go on: windows, averages, random changes. */
export async function interruptibleStage(): Promise<{ experiment: Experiment; data: StageData }> {
  const experiment = await discExperiment("first", [
    "training.epochs=3",
    "training.batch=2",
    "training.accumulation=3",
    "training.positiveShare={ from: 0.8, to: 0.5 }",
    "training.swa={ startEpoch: 2 }",
    "training.ema={ decay: 0.8 }",
    "training.bestK={ count: 2 }",
    "training.optimizer={ kind: adamw }",
    "training.gradientClipping={ by: global-norm, limit: 1 }",
    "training.learningRate={ schedule: plateau, initial: 1e-3, patience: 1 }",
    "training.earlyStopping={ patience: 2 }",
    "validation={ batch: 2, everyEpochs: 2 }",
  ]);
  // Five batches: a window of three, and one of two.
  return { experiment, data: discs({ training: 10, validation: 4 }) };
}

/** Windows, averages, candidates: everything that a run saves, with a network of no size. */
export async function tinyStage(
  ...others: string[]
): Promise<{ experiment: Experiment; data: StageData }> {
  const experiment = await discExperiment("first", [
    "model={ architecture: unet, startFilters: 1 }",
    "training.epochs=2",
    "training.batch=2",
    "training.accumulation=3",
    "training.swa={ startEpoch: 1 }",
    "training.ema={ decay: 0.8 }",
    "training.bestK={ count: 2 }",
    "validation={ batch: 2 }",
    ...others,
  ]);
  return { experiment, data: discs({ training: 8, validation: 4 }) };
}
