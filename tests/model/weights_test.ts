import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { tf } from "@/tensorflow/mod.ts";
import { type Initializer, Weights, WeightsMismatchError } from "@/model/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";

const values = (weights: Weights) =>
  weights.all.map(({ name, variable }) => [name, Array.from(variable.dataSync())] as const);

Deno.test("Weights.create() gives the starting values of each initializer", () => {
  const weights = new Weights(1);
  assertClose(weights.create("zeros", [3], "zeros"), [0, 0, 0], 0);
  assertClose(weights.create("ones", [3], "ones"), [1, 1, 1], 0);
  // Keras counts 3 * 3 * 16 inputs and 3 * 3 * 48 outputs for this kernel.
  const shape = [3, 3, 16, 48], fanIn = 144, fanOut = 432;
  assertClose(weights.create("constant", [2], { constant: -1.5 }), [-1.5, -1.5], 0);
  const cases: [Initializer & string, variance: number, largest: number][] = [
    // Uniform within sqrt(6 / (in + out)): variance 2 / (in + out).
    ["glorot-uniform", 2 / (fanIn + fanOut), Math.sqrt(6 / (fanIn + fanOut))],
    // Variance 2 / out after the cut at two deviations of a normal distribution wider by 1 / 0.8796.
    ["fan-out-truncated-normal", 2 / fanOut, 2 * Math.sqrt(2 / fanOut) / 0.8796],
  ];
  for (const [initializer, variance, largest] of cases) {
    const numbers = Array.from(weights.create(initializer, shape, initializer).dataSync());
    const mean = numbers.reduce((a, b) => a + b) / numbers.length;
    const squares = numbers.reduce((sum, value) => sum + value ** 2, 0) / numbers.length;
    assertAlmostEquals(mean, 0, 0.05 * Math.sqrt(variance), initializer);
    assertAlmostEquals(squares, variance, 0.05 * variance, initializer);
    const extreme = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert(extreme <= largest && extreme > 0.99 * largest, `${initializer}: ${extreme}`);
  }
  weights.dispose();
});

Deno.test("Weights.create() draws from the seed and the name alone", () => {
  const make = (seed: number, names: string[]) => {
    const weights = new Weights(seed);
    for (const name of names) weights.create(name, [2, 2], "glorot-uniform");
    const made = new Map(values(weights));
    weights.dispose();
    return made;
  };
  const ab = make(1, ["a", "b"]), ba = make(1, ["b", "x", "a"]), other = make(2, ["a"]);
  assertEquals([ab.get("a"), ab.get("b")], [ba.get("a"), ba.get("b")]);
  assertNotEquals(ab.get("a"), ab.get("b"));
  assertNotEquals(ab.get("a"), other.get("a"));
});

Deno.test("Weights lists, counts and finds its weights, and frees them", () => {
  const before = memory();
  const weights = new Weights(0);
  weights.create("a/kernel", [2, 3], "glorot-uniform");
  weights.create("a/moving_mean", [3], "zeros", false);
  weights.create("b/bias", [], "ones");
  assertEquals(weights.all.map(({ name }) => name), ["a/kernel", "a/moving_mean", "b/bias"]);
  assertEquals(weights.trainable.map(({ name }) => name), ["a/kernel", "b/bias"]);
  assertEquals(weights.all.map(({ variable }) => variable.trainable), [true, false, true]);
  assertEquals(weights.parameterCount, 6 + 3 + 1);
  assertEquals(weights.get("a/kernel").shape, [2, 3]);
  assertThrows(
    () => weights.get("a/kernels"),
    RangeError,
    "Cannot find a weight of that name: a/k",
  );
  assertThrows(() => weights.create("b/bias", [], "ones"), RangeError, "its name is taken: b/bias");
  weights.dispose();
  assertEquals(memory(), before);
  assertEquals(weights.all, []);
});

function threeWeights(): Weights {
  const weights = new Weights(0);
  weights.create("a", [2], "zeros");
  weights.create("b", [1, 2], "ones");
  weights.create("c", [], "zeros", false);
  return weights;
}

Deno.test("Weights.assign() gives weights copies of the values", () => {
  const weights = threeWeights();
  const a = tf.tensor1d([1, 2]), b = tf.tensor2d([[3, 4]]), c = tf.scalar(5);
  weights.assign(new Map<string, tf.Tensor>([["c", c], ["b", b], ["a", a]]));
  const assigned = [["a", [1, 2]], ["b", [3, 4]], ["c", [5]]];
  assertEquals(values(weights) as unknown, assigned);
  tf.dispose([a, b, c]);
  assertEquals(values(weights) as unknown, assigned, "the values stay the caller's");
  weights.assign(new Map([["a", tf.tensor1d([8, 9])]]), { partial: true });
  assertEquals(values(weights) as unknown, [["a", [8, 9]], ["b", [3, 4]], ["c", [5]]]);
  weights.assign(new Map(), { partial: true });
  weights.dispose();
});

Deno.test("Weights.assign() lists what does not match and changes nothing", () => {
  const weights = threeWeights();
  const before = values(weights);
  const good: [string, tf.Tensor][] = [
    ["a", tf.tensor1d([1, 2])],
    ["b", tf.tensor2d([[3, 4]])],
    ["c", tf.scalar(5)],
  ];
  const disposed = tf.scalar(1);
  disposed.dispose();
  const but = (name: string, value: tf.Tensor | null) =>
    new Map(value ? [...good, [name, value]] : good.filter(([n]) => n !== name));
  const cases: [Map<string, tf.Tensor>, partial: boolean, says: string][] = [
    [but("b", null), false, "they do not fit the model: 1 without a value (b)"],
    [new Map(), false, "3 without a value (a, b, c)"],
    [but("d", tf.scalar(1)), false, "1 unknown to this model (d)"],
    [but("d", tf.scalar(1)), true, "1 unknown to this model (d)"],
    [but("b", tf.tensor1d([3, 4])), false, "(b is float32 [2] instead of float32 [1, 2])"],
    [but("c", tf.tensor1d([3])), true, "(c is float32 [1] instead of float32 [])"],
    [but("c", tf.scalar(3, "int32")), false, "(c is int32 [] instead of float32 [])"],
    [but("c", disposed), false, "(c is disposed instead of float32 [])"],
    [
      new Map([["a", tf.scalar(1)], ["e", tf.scalar(1)]]),
      false,
      "2 without a value (b, c); 1 unknown to this model (e); 1 of another shape or type (a is",
    ],
    [
      new Map(Array.from({ length: 8 }, (_, i) => [`w${i}`, tf.scalar(i)])),
      true,
      "8 unknown to this model (w0, w1, w2, w3, w4, and 3 more)",
    ],
  ];
  for (const [given, partial, says] of cases) {
    assertThrows(() => weights.assign(given, { partial }), WeightsMismatchError, says);
    assertEquals(values(weights), before);
  }
  weights.dispose();
});
