import { type Encoder, INFERENCE } from "@/model/mod.ts";
import { Random } from "@/random/mod.ts";
import { tf } from "@/tensorflow/mod.ts";

/** Height and width of the reference input: the smallest whose coarsest map has some pixels. */
const SIZE = 64;
/**
 * Share of a map's root mean square that its numbers may be off: GPUs multiply with 10 bits of mantissa
 * (TF32), and orders of summation differ.
 */
const TOLERANCE = 5e-3;

/** Mean and root mean square of one feature map of the reference input. */
export interface ReferenceMap {
  name: string;
  mean: number;
  rootMeanSquare: number;
}

/**
 * What an encoder makes of an input that is always the same: it tells whether weights still mean what they
 * meant when they were converted.
 */
export function referenceForward(encoder: Encoder): ReferenceMap[] {
  const maps = tf.tidy(() => {
    const random = new Random(0, "reference input");
    const values = Float32Array.from({ length: SIZE * SIZE * 3 }, () => random.uniform(-2, 2));
    const images = tf.tensor4d(values, [1, SIZE, SIZE, 3]);
    return encoder.apply(images, INFERENCE).map((map) =>
      tf.stack([tf.mean(map), tf.sqrt(tf.mean(tf.square(map)))])
    );
  });
  const reference = maps.map((map, i) => {
    const [mean, rootMeanSquare] = map.dataSync() as unknown as [number, number];
    return { name: encoder.features[i]!.name, mean, rootMeanSquare };
  });
  tf.dispose(maps);
  return reference;
}

/** Reads what was kept as JSON; `undefined` where it is damaged. */
export function parseReference(text: string): ReferenceMap[] | undefined {
  try {
    const maps = JSON.parse(text) as ReferenceMap[];
    const isWhole = maps.length > 0 &&
      maps.every(({ name, mean, rootMeanSquare }) =>
        typeof name === "string" && Number.isFinite(mean) && Number.isFinite(rootMeanSquare)
      );
    return isWhole ? maps : undefined;
  } catch {
    return undefined;
  }
}

/** The names of the maps whose numbers are not those of a stored reference. */
export function deviatingMaps(
  actual: readonly ReferenceMap[],
  stored: readonly ReferenceMap[],
): string[] {
  const names = new Set([...actual, ...stored].map(({ name }) => name));
  const find = (maps: readonly ReferenceMap[], name: string) =>
    maps.find((map) => map.name === name);
  return [...names].filter((name) => {
    const [a, b] = [find(actual, name), find(stored, name)];
    if (!a || !b) return true;
    const tolerance = TOLERANCE * b.rootMeanSquare;
    const isClose = (x: number, y: number) => Math.abs(x - y) <= tolerance;
    return !(isClose(a.mean, b.mean) && isClose(a.rootMeanSquare, b.rootMeanSquare));
  });
}
