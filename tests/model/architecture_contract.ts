/** What every architecture must hold to; a test file calls {@linkcode testArchitecture} for each. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { decodeSafetensors, encodeSafetensors } from "@/files/mod.ts";
import {
  combineOutputs,
  createModel,
  type Forward,
  INFERENCE,
  type ModelGraph,
  type ModelOptions,
  type SegmentationModel,
} from "@/model/mod.ts";
import { jit, StatelessRandom, tf } from "@/tensorflow/mod.ts";
import { assertClose, memory, wave } from "../tensorflow/assert_close.ts";

/** What a test tells of an architecture that the contract cannot know. */
export interface ArchitectureTraits {
  /** In the tests' names. */
  name: string;
  options: ModelOptions;
  /** How many outputs training has. Default: 1. */
  outputs?: number;
}

export const images = (...shape: number[]) => wave<tf.Tensor4D>(shape, 0.13, 0.4);

const maskOf = (images: tf.Tensor4D) =>
  tf.tidy(() => tf.cast(tf.greater(tf.mean(images, -1, true), 0.3), "float32") as tf.Tensor4D);

/** A forward pass of training with dropout of its own in each step. */
export function training(step = 0): Forward {
  return { training: true, random: new StatelessRandom(tf.tensor1d([1, step], "int32")) };
}

/** All weights' values by name. */
export function valuesOf(model: SegmentationModel) {
  return new Map(
    model.weights.all.map(({ name, variable }) => [name, variable.dataSync().slice()]),
  );
}

/**
 * Loss and gradients of a forward pass in training: what a step of training is made of.
 *
 * @returns The gradients by the names of the weights.
 */
export function lossAndGradients(
  model: SegmentationModel,
  x: tf.Tensor4D,
  y: tf.Tensor4D,
  key: tf.Tensor1D,
): { loss: tf.Scalar; gradients: Record<string, tf.Tensor> } {
  const weights = model.weights.trainable;
  const { value, grads } = tf.variableGrads(() => {
    const outputs = model.outputs(x, { training: true, random: new StatelessRandom(key) });
    // Cross-entropy of the sigmoid.
    const losses = outputs.map((logits) => tf.sub(tf.softplus(logits), tf.mul(logits, y)));
    return tf.mean(tf.stack(losses)) as tf.Scalar;
  }, weights.map(({ variable }) => variable));
  const gradients = Object.fromEntries(
    weights.map(({ name, variable }) => [name, grads[variable.name]!]),
  );
  return { loss: value, gradients };
}

/** Registers the tests that an architecture must pass. */
export function testArchitecture({ name, options, outputs = 1 }: ArchitectureTraits): void {
  Deno.test(`${name}: apply() takes heights and widths that are multiples of 32, and no others`, () => {
    const model = createModel(options);
    for (const [batch, height, width] of [[1, 32, 32], [2, 96, 64]] as const) {
      tf.tidy(() => {
        const x = images(batch, height, width, 3);
        const logits = model.apply(x, INFERENCE);
        assertEquals(logits.shape, [batch, height, width, 1]);
        assert(logits.dataSync().every(Number.isFinite));
        const single = model.outputs(x, INFERENCE);
        assertEquals(single.length, outputs);
        for (const output of single) assertEquals(output.shape, logits.shape);
        assertClose(combineOutputs(single), logits, 1e-6);
      });
    }
    const ill = [[1, 33, 32, 3], [1, 32, 48, 3], [1, 32, 32, 1], [1, 0, 32, 3], [32, 32, 3]];
    for (const shape of ill) {
      const wrong: tf.Tensor4D = tf.zeros(shape as [number, number, number, number]);
      for (const run of [model.apply, model.outputs]) {
        assertThrows(
          () => run(wrong, INFERENCE),
          RangeError,
          `with height and width multiples of 32: [${shape.join(", ")}]`,
        );
      }
      wrong.dispose();
    }
    model.dispose();
  });

  Deno.test(`${name}: apply() gives each image of a batch what it gives it alone`, () => {
    const model = createModel(options);
    tf.tidy(() => {
      const both = images(2, 64, 32, 3);
      const [first, second] = tf.split(both, 2) as [tf.Tensor4D, tf.Tensor4D];
      const together = model.apply(both, INFERENCE);
      const apart = [model.apply(first, INFERENCE), model.apply(second, INFERENCE)];
      assertClose(together, tf.concat(apart), 1e-5);
      assertNotEquals(apart[0]!.dataSync(), apart[1]!.dataSync());
    });
    model.dispose();
  });

  Deno.test(`${name}: every weight has a gradient, traced as eager, and nothing leaks`, () => {
    const empty = memory();
    const eagerly = createModel(options), traced = createModel(options);
    const x = images(2, 64, 32, 3), y = maskOf(x), key = tf.tensor1d([5, 6], "int32");
    const predict = jit((x: tf.Tensor4D) => traced.apply(x, INFERENCE));
    const logits = { actual: predict(x), expected: eagerly.apply(x, INFERENCE) };
    assertClose(logits.actual, logits.expected, 1e-4, "logits");

    const step = jit((x: tf.Tensor4D, y: tf.Tensor4D, key: tf.Tensor1D) =>
      lossAndGradients(traced, x, y, key)
    );
    const actual = step(x, y, key);
    const expected = lossAndGradients(eagerly, x, y, key);
    assertClose(actual.loss, expected.loss, 1e-5, "loss");
    for (const { name } of eagerly.weights.trainable) {
      const gradient = expected.gradients[name];
      assert(gradient, `no gradient of ${name}`);
      const largest = tf.tidy(() => tf.max(tf.abs(gradient)).dataSync()[0]!);
      assert(Number.isFinite(largest), `gradient of ${name}`);
      // A bias before BatchNorm changes nothing, and so may have none.
      if (!name.endsWith("bias")) assert(largest > 0, `the gradient of ${name} is 0`);
      const scale = Math.max(1e-3, largest);
      assertClose(actual.gradients[name]!, gradient, 2e-3 * scale, `gradient of ${name}`);
    }
    const after = valuesOf(eagerly);
    for (const { name, variable } of traced.weights.all) {
      assertClose(variable, after.get(name)!, 1e-4, name);
    }

    const before = memory();
    tf.dispose(predict(x));
    tf.dispose(step(x, y, key));
    tf.dispose(lossAndGradients(eagerly, x, y, key));
    tf.dispose(eagerly.outputs(x, INFERENCE));
    eagerly.apply(x, INFERENCE).dispose();
    assertEquals([predict.traces, step.traces], [1, 1]);
    assertEquals(memory(), before);
    for (const f of [predict, step]) f.dispose();
    for (const model of [eagerly, traced]) model.dispose();
    tf.dispose([x, y, key, logits, actual, expected]);
    assertEquals(memory(), empty);
  });

  Deno.test(`${name}: only training moves BatchNorm's statistics, and it moves nothing else`, () => {
    const model = createModel(options);
    const start = valuesOf(model);
    const x = images(2, 32, 32, 3);
    model.apply(x, INFERENCE).dispose();
    assertEquals(valuesOf(model), start, "inference");
    model.apply(x, training()).dispose();
    for (const { name, variable, trainable } of model.weights.all) {
      const isStatistic = /moving_(mean|variance)$/.test(name);
      assertEquals(isStatistic, !trainable, name);
      const old = start.get(name)!, now = variable.dataSync();
      assertEquals(now.some((value, i) => value !== old[i]), isStatistic, name);
    }
    model.dispose();
    x.dispose();
  });

  Deno.test(`${name}: weights that are saved and loaded give the same logits`, () => {
    const [saved, loaded] = [1, 2].map((seed) => createModel({ ...options, seed }));
    tf.tidy(() => {
      const x = images(1, 32, 32, 3);
      const logits = saved!.apply(x, INFERENCE);
      assertNotEquals(loaded!.apply(x, INFERENCE).dataSync(), logits.dataSync());
      const tensors = new Map(
        saved!.weights.all.map(({ name, variable }) => {
          return [name, { shape: variable.shape, data: variable.dataSync() as Float32Array }];
        }),
      );
      const read = decodeSafetensors(encodeSafetensors({ tensors, metadata: {} }), "weights");
      loaded!.weights.assign(
        new Map([...read.tensors].map(([name, { data, shape }]) => [name, tf.tensor(data, shape)])),
      );
      assertEquals(loaded!.apply(x, INFERENCE).dataSync(), logits.dataSync());
    });
    for (const model of [saved!, loaded!]) model.dispose();
  });

  Deno.test(`${name}: the diagram is consistent and leads from every node to the output`, () => {
    const model = createModel(options);
    assertConsistent(model.graph);
    // The encoder's maps are its left column.
    for (const { stride, channels } of model.encoder.features) {
      const drawn = model.graph.nodes.filter((node) => node.stride === stride && node.column === 0);
      assertEquals(drawn.map((node) => node.channels), [channels], `stride ${stride}`);
    }
    model.dispose();
  });
}

/** Fails unless a diagram's edges fit its nodes, and every node has a way to the node "output". */
export function assertConsistent({ title, nodes, edges }: ModelGraph): void {
  assert(title !== "");
  const byName = new Map(nodes.map((node) => [node.name, node]));
  assertEquals(byName.size, nodes.length, "two nodes have one name");
  const places = new Set(nodes.map(({ stride, column }) => `${stride}, ${column}`));
  assertEquals(places.size, nodes.length, "two nodes lie on top of each other");
  for (const { from, to, kind } of edges) {
    const [a, b] = [byName.get(from), byName.get(to)];
    assert(a && b, `no node for the edge from ${from} to ${to}`);
    const actual = a.stride > b.stride ? "up" : a.stride < b.stride ? "down" : "skip";
    assertEquals(kind, actual, `from ${from} to ${to}`);
    assert(kind === "skip" ? a.column < b.column : a.column <= b.column, `from ${from} to ${to}`);
  }
  const ends = nodes.filter(({ name }) => !edges.some(({ from }) => from === name));
  assertEquals(ends.map(({ name }) => name), ["output"]);
  assertEquals([ends[0]!.stride, ends[0]!.channels], [1, 1]);
  const starts = nodes.filter(({ name }) => !edges.some(({ to }) => to === name));
  assertEquals(starts.map(({ column }) => column), [0], "nodes that nothing leads to");
}
