import type { Film, Prepared } from "@/data/mod.ts";
import { applyOverrides, type Experiment, loadExperiment } from "@/experiments/mod.ts";
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

/** An experiment on discs; `name` is one of the shipped ones, whose parent it has. */
export async function discExperiment(
  name: string,
  overrides: readonly string[] = [],
): Promise<Experiment> {
  const experiment = await loadExperiment(name, { quick: false });
  return applyOverrides(experiment, [
    `data.size=${SIZE}`,
    "model.startFilters=2",
    "training.epochs=2",
    "training.batch=4",
    "validation.batch=4",
    ...overrides,
  ]);
}

/** A stage with everything that a run must restore to go on: windows, averages, random changes. */
export async function interruptibleStage(): Promise<{ experiment: Experiment; data: StageData }> {
  const experiment = await discExperiment("phantom/1-128", [
    "training.epochs=3",
    "training.batch=2",
    "training.accumulation=2",
    "training.positiveShare={ from: 0.8, to: 0.5 }",
    "training.swa={ startEpoch: 2 }",
    "validation={ batch: 2, everyEpochs: 2 }",
  ]);
  // Five batches: two windows of two, and one of one.
  return { experiment, data: discs({ training: 10, validation: 4 }) };
}
