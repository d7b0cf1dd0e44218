import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { assertClose } from "./assert_close.ts";
import vectors from "./kernel_vectors.json" with { type: "json" };

const seed = (a: number, b: number) => tf.tensor1d([a, b], "int32");

type Draw = (random: StatelessRandom, shape: number[]) => tf.Tensor;
const DISTRIBUTIONS: {
  name: string;
  draw: Draw;
  first: number[];
  moments: [mean: number, variance: number, fourth: number];
  range: [number, number];
}[] = [
  {
    name: "uniform",
    draw: (random, shape) => random.uniform(shape),
    first: vectors["stateless uniform [1, 2]"],
    // The fourth central moment of U(0, 1) is 1/80.
    moments: [1 / 2, 1 / 12, 1 / 80],
    range: [0, 1],
  },
  {
    name: "uniform from -3 to 5",
    draw: (random, shape) => random.uniform(shape, -3, 5),
    first: vectors["stateless uniform [1, 2]"].map((value) => 8 * value - 3),
    moments: [1, 64 / 12, 8 ** 4 / 80],
    range: [-3, 5],
  },
  {
    name: "normal",
    draw: (random, shape) => random.normal(shape),
    first: vectors["stateless normal [1, 2]"],
    moments: [0, 1, 3],
    range: [-6, 6],
  },
  {
    name: "truncatedNormal",
    draw: (random, shape) => random.truncatedNormal(shape),
    first: vectors["stateless truncated [1, 2]"],
    // With z = 2: variance 1 - 2 z phi(z) / (2 Phi(z) - 1), fourth 3 variance - z^2 (1 - variance).
    moments: [0, 0.773741, 1.416189],
    range: [-2, 2],
  },
];

for (const { name, draw, first, moments, range } of DISTRIBUTIONS) {
  Deno.test(`StatelessRandom ${name} gives the numbers of TensorFlow for the seed`, () => {
    assertClose(draw(new StatelessRandom(seed(1, 2)), [4]), first, 2e-5);
  });

  Deno.test(`StatelessRandom ${name} has the moments and the range of the distribution`, () => {
    const values = Array.from(draw(new StatelessRandom(seed(5, 6)), [200, 1000]).dataSync());
    const mean = average(values);
    const central = (power: number) => average(values.map((value) => (value - mean) ** power));
    const deviation = Math.sqrt(moments[1]);
    assertAlmostEquals(mean, moments[0], 0.01 * deviation);
    assertAlmostEquals(central(2), moments[1], 0.015 * moments[1]);
    assertAlmostEquals(central(3), 0, 0.03 * deviation ** 3);
    assertAlmostEquals(central(4), moments[2], 0.04 * moments[2]);
    const outside = values.filter((value) => value < range[0] || value > range[1]);
    assertEquals(outside, []);
  });

  Deno.test(`StatelessRandom ${name} draws the same eager and traced, anew in each call`, () => {
    const draws = (key: tf.Tensor1D) => {
      const random = new StatelessRandom(key);
      return [draw(random, [3]), draw(random, [2, 2])];
    };
    const traced = jit(draws);
    for (const key of [seed(1, 2), seed(1, 3), seed(-7, 2 ** 31 - 1)]) {
      const [a, b] = draws(key), [c, d] = traced(key);
      assertEquals(c!.dataSync(), a!.dataSync());
      assertEquals(d!.dataSync(), b!.dataSync());
      assertEquals(d!.shape, [2, 2]);
    }
    assertEquals(traced.traces, 1);
    traced.dispose();
  });
}

Deno.test("StatelessRandom never gives the same numbers twice, nor those of a near seed", () => {
  const seen = new Map<string, string>();
  for (const a of [7, 8]) {
    for (let step = 0; step < 20; step++) {
      const random = new StatelessRandom(seed(a, step));
      for (let draw = 0; draw < 20; draw++) {
        const key = random.uniform([2]).dataSync().join();
        const place = `seed [${a}, ${step}], draw ${draw}`;
        assertEquals(seen.get(key), undefined, place);
        seen.set(key, place);
      }
    }
  }
});

Deno.test("StatelessRandom draws that are independent of each other", () => {
  const random = new StatelessRandom(seed(1, 1));
  const [a, b] = [random.normal([50_000]), random.normal([50_000])];
  assertAlmostEquals(tf.mean(tf.mul(a, b)).dataSync()[0]!, 0, 0.02);
});

Deno.test("StatelessRandom() refuses a seed that is no two integers", () => {
  const ill: [tf.Tensor, string][] = [
    [tf.tensor1d([1, 2]), "float32 [2]"],
    [tf.tensor1d([1], "int32"), "int32 [1]"],
    [tf.tensor1d([1, 2, 3], "int32"), "int32 [3]"],
    [tf.tensor2d([[1, 2]], [1, 2], "int32"), "int32 [1,2]"],
  ];
  for (const [tensor, says] of ill) {
    assertThrows(() => new StatelessRandom(tensor as tf.Tensor1D), TypeError, says);
  }
});

Deno.test("StatelessRandom frees all but what it returns", () => {
  const random = new StatelessRandom(seed(1, 2));
  const before = tf.memory().numTensors;
  for (let i = 0; i < 5; i++) {
    random.uniform([2], 1, 3).dispose();
    random.normal([2]).dispose();
    random.truncatedNormal([2]).dispose();
  }
  assertEquals(tf.memory().numTensors, before);
});

function average(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

Deno.test("StatelessRandom kept is true as often as asked for, each draw for itself", () => {
  const count = 400_001;
  for (const rate of [0, 1 / 65536, 0.1, 0.5, 0.9, 0.999]) {
    tf.tidy(() => {
      const draws = new StatelessRandom(seed(7, 8)).kept([1, count], rate);
      assertEquals([draws.dtype, draws.shape], ["bool", [1, count]]);
      const dropped = Array.from(draws.dataSync(), (kept) => 1 - kept);
      const found = average(dropped), variance = found * (1 - found);
      // One draw rounds the rate up or down for all.
      assertAlmostEquals(found, rate, 1 / 256 + 4 * Math.sqrt(rate * (1 - rate) / count));
      // Up to four draws share a random number.
      for (const apart of [1, 2, 3, 4]) {
        const pairs = dropped.slice(apart).map((value, i) => {
          return (value - found) * (dropped[i]! - found);
        });
        assertAlmostEquals(average(pairs), 0, 4 * variance / Math.sqrt(pairs.length) + 1e-9);
      }
    });
  }
});

Deno.test("StatelessRandom kept has the rate asked for, over many seeds", () => {
  const SEEDS = 400, COUNT = 1000;
  // Between, at, and beside multiples of 1 / 256; few draws; the largest rates.
  const cases = [[0.1, COUNT], [0.3, COUNT], [0.25, COUNT], [0.001, COUNT], [0.1, 50], [
    0.999,
    COUNT,
  ]];
  for (const [rate, count] of cases as [number, number][]) {
    const found = tf.tidy(() => {
      const dropped = Array.from({ length: SEEDS }, (_, i) => {
        const kept = new StatelessRandom(seed(11, i)).kept([1, count], rate);
        return 1 - tf.mean(tf.cast(kept, "float32")).dataSync()[0]!;
      });
      return average(dropped);
    });
    const rounding = 256 * rate % 1;
    const variance = rate * (1 - rate) / count + rounding * (1 - rounding) / 256 ** 2;
    assertAlmostEquals(found, rate, 4 * Math.sqrt(variance / SEEDS), `rate ${rate} of ${count}`);
  }
});

Deno.test("StatelessRandom kept draws the same when traced, and anew at its next draw", () => {
  tf.tidy(() => {
    const draw = (key: tf.Tensor1D) => {
      const random = new StatelessRandom(key);
      return [random.kept([3, 5], 0.5), random.kept([3, 5], 0.5)];
    };
    const traced = jit(draw);
    const [eager, jitted] = [draw(seed(1, 2)), traced(seed(1, 2))];
    assertEquals(eager.map((t) => [...t.dataSync()]), jitted.map((t) => [...t.dataSync()]));
    assertEquals(eager[0]!.shape, [3, 5]);
    assertNotEquals([...eager[0]!.dataSync()], [...eager[1]!.dataSync()]);
    traced.dispose();
  });
});

Deno.test("StatelessRandom with a share draws for a row what it gets wherever the batch is cut", () => {
  const BATCH = 6;
  // Few numbers a row, and many; an odd number of decisions.
  for (const row of [[1, 1, 1], [64], [5, 13, 1], [80, 3]]) {
    const draws: Draw[] = [
      (random, shape) => random.uniform(shape, -1, 2),
      (random, shape) => random.normal(shape),
      (random, shape) => tf.cast(random.kept(shape, 0.3), "float32"),
    ];
    const cut = (count: number) =>
      Array.from({ length: count }, (_, index) => {
        const random = new StatelessRandom(seed(3, 4), { index, count });
        return draws.map((draw) => draw(random, [BATCH / count, ...row]));
      });
    const [whole] = cut(1);
    for (const count of [2, 3, 6]) {
      const parts = cut(count);
      for (const [i, expected] of whole!.entries()) {
        const joined = tf.concat(parts.map((part) => part[i]!));
        assertEquals(joined.shape, expected.shape);
        assertEquals(joined.dataSync(), expected.dataSync(), `[${row}] draw ${i}, ${count} parts`);
      }
    }
    const values = whole![1]!.dataSync();
    assertEquals(new Set(values).size, values.length, "rows differ");
  }
});
