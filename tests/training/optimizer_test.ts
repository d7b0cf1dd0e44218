import { assertEquals, assertThrows } from "@std/assert";
import { Weights } from "@/model/mod.ts";
import { jit, tf } from "@/tensorflow/mod.ts";
import {
  Adam,
  type AdamOptions,
  assignGroup,
  clipGradients,
  createOptimizer,
  GradientDescent,
  type OptimizerOptions,
  readCheckpoint,
  writeCheckpoint,
} from "@/training/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";

/**
 * `keras.optimizers.Adam` of Keras 3.15: the weights `[[1, -2], [0.5, 3]]` and `[0.1, -0.2, 0.3]` after
 * each of five steps, with the gradients of {@linkcode gradients}.
 */
const CASES: { options: AdamOptions; rates: number[]; expected: number[][][] }[] = [
  {
    options: {},
    rates: [0.1, 0.1, 0.1, 0.1, 0.1],
    expected: [
      [[1, -2.09999895, 0.40000129, 3.09999895], [0.00000105, -0.29999891, 0.39999864]],
      [[0.92558742, -2.19980478, 0.35771585, 3.19931602], [-0.10008945, -0.37967733, 0.49614176]],
      [[0.84064645, -2.29284978, 0.3908101, 3.29878068], [-0.19820127, -0.39357212, 0.59403855]],
      [[0.75017166, -2.35730648, 0.45184132, 3.38969517], [-0.28018552, -0.3598229, 0.68995363]],
      [[0.66342986, -2.3771162, 0.52361405, 3.44956708], [-0.32308376, -0.30520725, 0.76655716]],
    ],
  },
  {
    options: { beta1: 0.8, beta2: 0.9, epsilon: 1e-3 },
    rates: [0.1, 0.05, 0.02, 0.01, 0.2],
    expected: [
      [[1, -2.09967279, 0.40060967, 3.09954238], [0.00037438, -0.29957774, 0.39929051]],
      [[0.96189797, -2.14944506, 0.38175067, 3.14913845], [-0.04957421, -0.33856148, 0.4473986]],
      [[0.94448107, -2.16784859, 0.39001182, 3.16899681], [-0.0691035, -0.33949834, 0.46703422]],
      [[0.93522996, -2.17364645, 0.3968859, 3.17791486], [-0.0769642, -0.33499455, 0.47658953]],
      [[0.76086456, -2.18287826, 0.55461884, 3.27942634], [-0.13806681, -0.20379399, 0.61989141]],
    ],
  },
];

/** TensorFlow's operation takes `1 - beta` in float32, which is 5e-5 off where beta is 0.999. */
const TOLERANCE = 4e-6;

/** `sin(1.3 i + 0.7 step + k)` for the number `i` of the weight `k`. */
function gradients(step: number): tf.Tensor[] {
  const values = (count: number, k: number) =>
    Array.from({ length: count }, (_, i) => Math.sin(1.3 * i + 0.7 * step + k));
  return [tf.tensor2d(values(4, 0), [2, 2]), tf.tensor1d(values(3, 1))];
}

function newWeights(): Weights {
  const weights = new Weights(0);
  tf.tidy(() => {
    weights.create("kernel", [2, 2], "zeros").assign(tf.tensor2d([[1, -2], [0.5, 3]]));
    weights.create("bias", [3], "zeros").assign(tf.tensor1d([0.1, -0.2, 0.3]));
  });
  return weights;
}

for (const isTraced of [false, true]) {
  Deno.test(`Adam changes weights as Keras's does, ${isTraced ? "traced" : "eager"}`, () => {
    for (const { options, rates, expected } of CASES) {
      const weights = newWeights();
      const adam = new Adam(weights.trainable, options);
      const plain = (kernel: tf.Tensor, bias: tf.Tensor, rate: tf.Scalar) => {
        adam.apply([kernel, bias], rate);
        return tf.scalar(0);
      };
      const traced = jit(plain);
      tf.tidy(() => {
        for (const [step, wanted] of expected.entries()) {
          const [kernel, bias] = gradients(step);
          (isTraced ? traced : plain)(kernel!, bias!, tf.scalar(rates[step]!));
          for (const [i, { variable, name }] of weights.trainable.entries()) {
            assertClose(variable, wanted[i]!, TOLERANCE, `${name} after step ${step + 1}`);
          }
        }
      });
      if (isTraced) assertEquals(traced.traces, 1);
      traced.dispose();
      adam.dispose();
      weights.dispose();
    }
  });
}

Deno.test("Adam goes on from restored slots as if it had never stopped", async () => {
  const { rates, expected } = CASES[0]!;
  const folder = await Deno.makeTempDir();
  const weights = newWeights();
  const step = (adam: Adam, i: number) =>
    tf.tidy(() => adam.apply(gradients(i), tf.scalar(rates[i]!)));

  const first = new Adam(weights.trainable);
  for (const i of [0, 1, 2]) step(first, i);
  const names = [...first.slots.keys()];
  assertEquals(names, [
    "beta1_power",
    "beta2_power",
    "mean/kernel",
    "square/kernel",
    "mean/bias",
    "square/bias",
  ]);
  const written = await writeCheckpoint(folder, "last", { optimizer: first.slots }, null);
  first.dispose();
  assertEquals(first.slots.size, 0);

  const second = new Adam(weights.trainable);
  const stored = (await readCheckpoint(folder, written)).group("optimizer");
  assignGroup(second.slots, stored, "optimizer");
  for (const i of [3, 4]) step(second, i);
  for (const [i, { variable }] of weights.trainable.entries()) {
    assertClose(variable, expected[4]![i]!, TOLERANCE);
  }
  second.dispose();
  weights.dispose();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Adam leaves a weight alone whose gradients are 0", () => {
  const weights = newWeights();
  const adam = new Adam(weights.trainable);
  tf.tidy(() => {
    adam.apply([tf.zeros([2, 2]), tf.zeros([3])], tf.scalar(0.1));
    assertEquals([...weights.get("kernel").dataSync()], [1, -2, 0.5, 3]);
  });
  adam.dispose();
  weights.dispose();
});

Deno.test("Adam refuses gradients that are not one for each weight, and changes nothing then", () => {
  const weights = newWeights();
  const adam = new Adam(weights.trainable);
  tf.tidy(() => {
    assertThrows(
      () => adam.apply([tf.ones([2, 2])], tf.scalar(0.1)),
      RangeError,
      "one for each of the 2 weights: 1",
    );
    assertEquals([...weights.get("kernel").dataSync()], [1, -2, 0.5, 3]);
    assertEquals([...adam.slots.get("beta1_power")!.dataSync()], [1]);
  });
  adam.dispose();
  weights.dispose();
});

Deno.test("Adam.dispose() frees its state, and apply() leaves nothing behind", () => {
  const before = memory();
  const weights = newWeights();
  const adam = new Adam(weights.trainable);
  tf.tidy(() => adam.apply(gradients(0), tf.scalar(0.1)));
  const afterOne = memory().numTensors;
  tf.tidy(() => adam.apply(gradients(1), tf.scalar(0.1)));
  assertEquals(memory().numTensors, afterOne);
  adam.dispose();
  weights.dispose();
  assertEquals(memory(), before);
});

/** `keras.optimizers.AdamW` and `SGD` of Keras 3.15, with weights and gradients as above. */
const OTHERS: { options: OptimizerOptions; rates: number[]; expected: number[][][] }[] = [
  {
    options: { kind: "adamw", weightDecay: 0.004 },
    rates: [0.1, 0.1, 0.1, 0.1],
    expected: [
      [[0.99959999, -2.0991991, 0.39980128, 3.098799], [-3.8949998e-05, -0.29991892, 0.39987865]],
      [[0.92478758, -2.1981652, 0.35735592, 3.1968765], [-0.10012943, -0.37947741, 0.4958618]],
      [[0.8394767, -2.2903309, 0.39030725, 3.2950623], [-0.19820119, -0.39322039, 0.59356022]],
      [[0.74866611, -2.3538713, 0.45118231, 3.3846593], [-0.28010619, -0.35931379, 0.68923789]],
    ],
  },
  {
    options: { kind: "adamw", weightDecay: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-3 },
    rates: [0.1, 0.05, 0.02, 0.2],
    expected: [
      [[0.99000001, -2.0796728, 0.39560968, 3.0695424], [-0.00062562001, -0.29757774, 0.39629048]],
      [[0.94694799, -2.1190467, 0.37477264, 3.1037908], [-0.05057108, -0.33507359, 0.44241711]],
      [[0.92763722, -2.1332121, 0.38228425, 3.1174417], [-0.06999924, -0.33534032, 0.46116793]],
      [[0.72406191, -2.206506, 0.51212031, 3.2334521], [-0.22581325, -0.2385579, 0.64305097]],
    ],
  },
  {
    options: { kind: "sgd" },
    rates: [0.1, 0.05, 0.02, 0.2],
    expected: [
      [[1.0, -2.0963559, 0.44844985, 3.0687766], [0.01585291, -0.27457052, 0.34425205]],
      [[0.96778911, -2.1418207, 0.45633712, 3.1184611], [-0.033730339, -0.28162652, 0.39006031]],
      [[0.94808018, -2.1503682, 0.47147319, 3.1351066], [-0.047239602, -0.2710298, 0.40923879]],
      [[0.77543825, -2.0992601, 0.67145783, 3.1909897], [-0.055555731, -0.080709383, 0.51937592]],
    ],
  },
  {
    options: { kind: "sgd", momentum: 0.9 },
    rates: [0.1, 0.05, 0.02, 0.2],
    expected: [
      [[1.0, -2.0963559, 0.44844985, 3.0687766], [0.01585291, -0.27457052, 0.34425205]],
      [[0.96778911, -2.2285409, 0.409942, 3.1803601], [-0.10946273, -0.34874001, 0.42988715]],
      [[0.91909033, -2.356055, 0.390421, 3.2974305], [-0.23575605, -0.40489581, 0.52613729]],
      [[0.70261949, -2.4197097, 0.57283676, 3.4586771], [-0.3577362, -0.26511556, 0.7228995]],
    ],
  },
  {
    options: { kind: "sgd", momentum: 0.9, nesterov: true },
    rates: [0.1, 0.05, 0.02, 0.2],
    expected: [
      [[1.0, -2.1830761, 0.40205473, 3.1306756], [-0.059879482, -0.34168401, 0.38407889]],
      [[0.93879938, -2.3475075, 0.37528497, 3.2807853], [-0.2222468, -0.41549253, 0.50695884]],
      [[0.87526143, -2.4708178, 0.37285212, 3.4027941], [-0.34942007, -0.45543599, 0.61276245]],
      [[0.50779587, -2.4769986, 0.73701096, 3.6037991], [-0.46751827, -0.1393134, 0.89998549]],
    ],
  },
];

for (const { options, rates, expected } of OTHERS) {
  Deno.test(`createOptimizer() gives Keras's numbers, ${JSON.stringify(options)}`, () => {
    const before = memory();
    for (const isTraced of [false, true]) {
      const weights = newWeights();
      const optimizer = createOptimizer(weights.trainable, options);
      const plain = (kernel: tf.Tensor, bias: tf.Tensor, rate: tf.Scalar) => {
        optimizer.apply([kernel, bias], rate);
        return tf.scalar(0);
      };
      const traced = jit(plain);
      tf.tidy(() => {
        for (const [step, wanted] of expected.entries()) {
          const [kernel, bias] = gradients(step);
          (isTraced ? traced : plain)(kernel!, bias!, tf.scalar(rates[step]!));
          for (const [i, { variable, name }] of weights.trainable.entries()) {
            assertClose(variable, wanted[i]!, TOLERANCE, `${name} after step ${step + 1}`);
          }
        }
      });
      traced.dispose();
      optimizer.dispose();
      weights.dispose();
    }
    assertEquals(memory(), before);
  });
}

Deno.test("createOptimizer() makes optimizers with slots for their state alone", () => {
  const weights = newWeights();
  const slots = (options: OptimizerOptions) => {
    const optimizer = createOptimizer(weights.trainable, options);
    const names = [...optimizer.slots.keys()];
    optimizer.dispose();
    return names;
  };
  assertEquals(slots({ kind: "sgd" }), []);
  assertEquals(slots({ kind: "sgd", momentum: 0.5 }), ["velocity/kernel", "velocity/bias"]);
  assertEquals(slots({ kind: "adamw" }), slots({ kind: "adam" }));
  const descent = new GradientDescent(weights.trainable);
  assertThrows(
    () => descent.apply([], tf.scalar(1)),
    RangeError,
    "one for each of the 2 weights: 0",
  );
  weights.dispose();
});

Deno.test("clipGradients() gives TensorFlow's numbers, eager and traced", () => {
  // tf.clip_by_global_norm (the norm is 1.7683841) and tf.clip_by_value of the first step's gradients.
  const byNorm = [
    [0.0, 0.2724402844905853, 0.14575491845607758, -0.19446174800395966],
    [0.2379208505153656, 0.21084366738796234, -0.12511999905109406],
  ];
  const byValue = [[0, 0.5, 0.5, -0.5], [0.5, 0.5, -0.4425204433]];
  for (const isTraced of [false, true]) {
    tf.tidy(() => {
      const clip = (by: "global-norm" | "value", limit: number) => {
        const run = (kernel: tf.Tensor, bias: tf.Tensor) => {
          return clipGradients([kernel, bias], { by, limit });
        };
        const traced = jit(run);
        const [kernel, bias] = gradients(0);
        const result = (isTraced ? traced : run)(kernel!, bias!);
        traced.dispose();
        return result;
      };
      for (const i of [0, 1]) {
        assertClose(clip("global-norm", 0.5)[i]!, byNorm[i]!, 1e-6);
        assertClose(clip("value", 0.5)[i]!, byValue[i]!, 1e-6);
        // What is within the limit stays as it is.
        assertClose(clip("global-norm", 1.77)[i]!, gradients(0)[i]!, 0);
        assertClose(clip("value", 1)[i]!, gradients(0)[i]!, 0);
      }
    });
  }
});

Deno.test("clipGradients() keeps zeros and NaN, and refuses a limit of nothing", () => {
  tf.tidy(() => {
    const zeros = clipGradients([tf.zeros([3])], { by: "global-norm", limit: 1 });
    assertClose(zeros[0]!, [0, 0, 0], 0);
    const [bad] = clipGradients([tf.tensor1d([1, NaN])], { by: "global-norm", limit: 1 });
    assertEquals([...bad!.dataSync()], [NaN, NaN]);
    for (const limit of [0, -1, NaN]) {
      assertThrows(() => clipGradients([], { by: "value", limit }), RangeError, `> 0: ${limit}`);
    }
  });
});
