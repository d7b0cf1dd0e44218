import { assertEquals } from "@std/assert";
import { jit, keptByKeys, StatelessRandom, tf } from "@/tensorflow/mod.ts";

const KEYS = [[123456789, -987654321], [-5, 0]];

/** Murmur3's finaliser of SplitMix's sequence, one number at a time. */
function isKept([start, step]: number[], place: number, rate: number): number {
  let x = (start! + Math.imul(place, step! | 1)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  x ^= x >>> 16;
  return Number(x + 2 ** 31 >= Math.round(rate * 2 ** 32));
}

Deno.test("keptByKeys() is the hash of key and place, eager and traced", () => {
  tf.tidy(() => {
    const keys = tf.tensor2d(KEYS, [2, 2], "int32");
    const shape = [2, 3, 5, 7];
    for (const rate of [0, 0.1, 0.5, 0.999]) {
      const expected = KEYS.flatMap((key) => {
        return Array.from({ length: 3 * 5 * 7 }, (_, place) => isKept(key, place, rate));
      });
      const traced = jit((keys: tf.Tensor2D) => keptByKeys(keys, shape, rate));
      for (const kept of [keptByKeys(keys, shape, rate), traced(keys)]) {
        assertEquals([kept.dtype, kept.shape], ["bool", shape]);
        assertEquals([...kept.dataSync()], expected);
      }
      traced.dispose();
    }
  });
});

const RATE = 0.1;
const LENGTH = 2 ** 18;
/** Five standard deviations of the mean of as many draws of variance `v`. */
const within = (v: number, count: number) => 5 * Math.sqrt(v / count);

/** Draws less their mean, a row for each of a few keys that streams give. // [4][LENGTH] */
function rows(): Float32Array[] {
  return tf.tidy(() => {
    const random = new StatelessRandom(tf.tensor1d([7, 8], "int32"));
    const keys = [random.keys(2), random.keys(2)];
    const kept = keys.flatMap((keys) => tf.unstack(keptByKeys(keys, [2, LENGTH], RATE)));
    return kept.map((row) => tf.sub(tf.cast(row, "float32"), 1 - RATE).dataSync() as Float32Array);
  });
}

function meanProduct(a: Float32Array, b: Float32Array, lag: number): number {
  let sum = 0;
  for (let i = 0; i + lag < a.length; i++) sum += a[i]! * b[i + lag]!;
  return sum / (a.length - lag);
}

Deno.test("keptByKeys() keeps the share asked for, each row of its own and without a pattern", () => {
  const all = rows();
  const variance = RATE * (1 - RATE);
  for (const [i, row] of all.entries()) {
    const mean = row.reduce((sum, x) => sum + x, 0) / LENGTH;
    assertEquals(Math.abs(mean) < within(variance, LENGTH), true, `mean of row ${i}: ${mean}`);
    for (const [j, other] of all.entries()) {
      // Neighbours in a map: the next channel, column, row.
      for (const lag of i === j ? [1, 2, 3, 16, 384, 512, 4096, 65536] : [0, 1, 384]) {
        const found = meanProduct(row, other, lag);
        const isIndependent = Math.abs(found) < within(variance ** 2, LENGTH - lag);
        assertEquals(isIndependent, true, `rows ${i} and ${j}, ${lag} apart: ${found}`);
      }
    }
  }
});

Deno.test("keys() gives a row the same key wherever the batch is cut", () => {
  tf.tidy(() => {
    const seed = tf.tensor1d([3, 4], "int32");
    const whole = new StatelessRandom(seed, { index: 0, count: 1 });
    const parts = [0, 1, 2].map((index) => new StatelessRandom(seed, { index, count: 3 }));
    for (let draw = 0; draw < 2; draw++) {
      const joined = tf.concat(parts.map((part) => part.keys(2)), 0);
      assertEquals([...joined.dataSync()], [...whole.keys(6).dataSync()]);
    }
  });
});
