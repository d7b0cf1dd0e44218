import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FILM_SIZE, type FilmFile, prepare, type Prepared } from "@/data/mod.ts";
import type { Experiment, Run } from "@/experiments/mod.ts";
import { createModel, INFERENCE, normalizeImages, type SegmentationModel } from "@/model/mod.ts";
import {
  averageProbabilities,
  Ensemble,
  flipHorizontal,
  type Prediction,
  resizeBilinear,
  type TrainedModel,
} from "@/postprocessing/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { filmPath, withFolder, writeFilm } from "../data/small_dataset.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";

/** Grey values are kept, so that films differ in them. */
const CONTRAST = { kind: "none" } as const;

/** What an ensemble needs to know of a run. */
function runAt(size: number): Run {
  const experiment = { data: { size, contrast: CONTRAST } } as unknown as Experiment;
  return { experiment } as unknown as Run;
}

type Logits = (images: tf.Tensor4D) => tf.Tensor;

/** A model whose logits are a simple function of its normalised images. */
function fake(size: number, logits: Logits): TrainedModel {
  const model = {
    apply: (images: tf.Tensor4D) => logits(images) as tf.Tensor4D,
    dispose: () => {},
  };
  return { run: runAt(size), model: model as unknown as SegmentationModel };
}

const red = (images: tf.Tensor4D) => tf.slice(images, [0, 0, 0, 0], [-1, -1, -1, 1]);

/** Logits that are the red colour, and its probability by hand from a grey value. */
const pointwise: Logits = (images) => red(images);
const probabilityOf = (grey: number) => 1 / (1 + Math.exp(-(grey / 255 - 0.485) / 0.229));

/** Logits that grow to the right, whatever the image. */
const rightward: Logits = (images) => {
  const [, , width] = images.shape;
  return tf.add(tf.mul(red(images), 0), tf.reshape(tf.range(0, width), [1, 1, width, 1]));
};

/** Writes test films `a`, `b`, ... and lists them; each is brighter than the one before. */
async function writeFilms(root: string, count: number): Promise<FilmFile[]> {
  return await Promise.all(Array.from({ length: count }, async (_, i) => {
    const imageId = String.fromCharCode(97 + i);
    const path = await writeFilm(root, "test", { imageId, grey: 20 + 20 * i });
    return { imageId, path, bytes: (await Deno.stat(path)).size, patientId: imageId };
  }));
}

function preparedAt(size: number, films: FilmFile[], root: string): Promise<Prepared> {
  return prepare(films, { root, size, contrast: CONTRAST });
}

async function all(predictions: AsyncIterable<Prediction>): Promise<Prediction[]> {
  return await Array.fromAsync(predictions);
}

/** Small maps by hand, each enlarged and all averaged. */
function enlarged(...maps: { size: number; values: Float32Array }[]): Float32Array {
  return averageProbabilities(
    maps.map(({ size, values }) => resizeBilinear(values, size, FILM_SIZE)),
  );
}

Deno.test("Ensemble.predict() averages the passes of the film and of its mirror image", () =>
  withFolder(async (root) => {
    const size = 64;
    const films = await writeFilms(root, 2);
    const prepared = await preparedAt(size, films, root);
    const model = createModel({
      architecture: "simplified-unet++",
      encoder: "efficientnet-b0",
      startFilters: 2,
      seed: 5,
      prior: 0.5,
    });
    const pass = (pixels: Float32Array) => {
      const images = tf.tensor4d(pixels, [1, size, size, 1]);
      const output = tf.tidy(() => tf.sigmoid(model.apply(normalizeImages(images), INFERENCE)));
      const values = output.dataSync().slice() as Float32Array;
      tf.dispose([images, output]);
      return values;
    };
    const trained = { run: runAt(size), model };
    const mirroring = new Ensemble([trained]), plain = new Ensemble([trained], { flip: false });
    const both = await all(mirroring.predict(films, { root }));
    const single = await all(plain.predict(films, { root }));
    for (const [i, { imageId }] of films.entries()) {
      const pixels = await prepared.readImage(imageId);
      const film = Float32Array.from(pixels, (value) => value / 255);
      const seen = pass(film);
      const mirrored = flipHorizontal(pass(flipHorizontal(film, size)), size);
      assert(seen.some((value, k) => Math.abs(value - mirrored[k]!) > 1e-3), "the passes differ");

      assertEquals([both[i]!.imageId, single[i]!.imageId], [imageId, imageId]);
      const mean = averageProbabilities([seen, mirrored]);
      assertClose(both[i]!.probabilities, enlarged({ size, values: mean }), 1e-5);
      assertClose(single[i]!.probabilities, enlarged({ size, values: seen }), 1e-5);
    }
    for (const ensemble of [mirroring, plain]) ensemble.dispose();
  }));

Deno.test("Ensemble.predict() in bfloat16 gives nearly the same", () =>
  withFolder(async (root) => {
    const films = await writeFilms(root, 1);
    const model = createModel({
      architecture: "simplified-unet++",
      encoder: "efficientnet-b0",
      startFilters: 2,
      seed: 5,
      prior: 0.5,
    });
    const trained = { run: runAt(64), model };
    const exact = new Ensemble([trained]);
    const rounded = new Ensemble([trained], { mixedPrecision: "bfloat16" });
    const [[expected], [actual]] = [
      await all(exact.predict(films, { root })),
      await all(rounded.predict(films, { root })),
    ];
    assertClose(actual!.probabilities, expected!.probabilities, 0.02);
    assert(actual!.probabilities.some((value, i) => value !== expected!.probabilities[i]));
    for (const ensemble of [exact, rounded]) ensemble.dispose();
  }));

Deno.test("Ensemble.predict() mirrors the columns, not the rows", () =>
  withFolder(async (root) => {
    const films = await writeFilms(root, 1);
    const ensemble = new Ensemble([fake(32, rightward)]);
    const [{ probabilities } = { probabilities: new Float32Array() }] = await all(
      ensemble.predict(films, { root }),
    );
    // At column c of 32: the mean of the sigmoids of c and of 31 - c.
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const row = Array.from({ length: 32 }, (_, c) => (sigmoid(c) + sigmoid(31 - c)) / 2);
    const values = Float32Array.from({ length: 32 * 32 }, (_, i) => row[i % 32]!);
    assertClose(probabilities, enlarged({ size: 32, values }), 1e-5);
    ensemble.dispose();
  }));

Deno.test("Ensemble.predict() with a model that is its own mirror needs no second pass", () =>
  withFolder(async (root) => {
    const films = await writeFilms(root, 1);
    const [mirroring, plain] = [true, false].map((flip) =>
      new Ensemble([fake(64, pointwise)], { flip })
    );
    const [both] = await all(mirroring!.predict(films, { root }));
    const [single] = await all(plain!.predict(films, { root }));
    assertClose(both!.probabilities, single!.probabilities, 1e-6);
    const image = await (await preparedAt(64, films, root)).readImage("a");
    const expected = enlarged({ size: 64, values: Float32Array.from(image, probabilityOf) });
    assertClose(single!.probabilities, expected, 1e-5);
    for (const ensemble of [mirroring!, plain!]) ensemble.dispose();
  }));

Deno.test("Ensemble.predict() averages members of several sizes at the full size", () =>
  withFolder(async (root) => {
    const films = await writeFilms(root, 3);
    const double: Logits = (images) => tf.mul(red(images), -2);
    const ensemble = new Ensemble([fake(32, pointwise), fake(96, double), fake(64, pointwise)], {
      batch: 2,
    });
    const predictions = await all(ensemble.predict(films, { root }));
    assertEquals(predictions.map(({ imageId }) => imageId), ["a", "b", "c"]);
    const logit = (grey: number) => Math.log(1 / (1 / probabilityOf(grey) - 1));
    const formulas: [size: number, formula: (grey: number) => number][] = [
      [32, probabilityOf],
      [96, (grey) => 1 / (1 + Math.exp(2 * logit(grey)))],
      [64, probabilityOf],
    ];
    const sources = await Promise.all(
      formulas.map(([size]) => preparedAt(size, films, root)),
    );
    for (const { imageId, probabilities } of predictions) {
      const maps = await Promise.all(formulas.map(async ([size, formula], i) => {
        const image = await sources[i]!.readImage(imageId);
        return { size, values: Float32Array.from(image, formula) };
      }));
      assertClose(probabilities, enlarged(...maps), 1e-5, imageId);
    }
    ensemble.dispose();
  }));

Deno.test("Ensemble.predict() streams films in their order, and tells how far it is", () =>
  withFolder(async (root) => {
    const films = (await writeFilms(root, 5)).toReversed();
    const empty = memory();
    const ensemble = new Ensemble([fake(32, pointwise), fake(64, pointwise)], { batch: 2 });
    const prepared: string[] = [], done: string[] = [], seen: string[] = [];
    const tensors = new Set<number>();
    const predictions = ensemble.predict(films, {
      root,
      onPrepare: ({ done, total }) => prepared.push(`${done}/${total}`),
      onProgress: (progress) => done.push(`${progress.done}/${progress.total}`),
    });
    for await (const { imageId, probabilities } of predictions) {
      seen.push(imageId);
      assertEquals(probabilities.length, FILM_SIZE * FILM_SIZE);
      tensors.add(tf.memory().numTensors);
    }
    assertEquals(seen, ["e", "d", "c", "b", "a"]);
    const each = ["1/5", "2/5", "3/5", "4/5", "5/5"];
    assertEquals([prepared, done], [[...each, ...each], each]);
    // One batch is under way: its input, and the output of each member until it is read.
    const [least, most] = [Math.min(...tensors), Math.max(...tensors)];
    assert(most - least <= 2, `tensors between films: ${[...tensors]}`);
    ensemble.dispose();
    assertEquals(memory(), empty);
  }));

Deno.test("Ensemble.predict() stops where its user stops, and can be used again", () =>
  withFolder(async (root) => {
    const films = await writeFilms(root, 5);
    const ensemble = new Ensemble([fake(32, pointwise), fake(64, rightward)], { batch: 2 });
    const whole = await all(ensemble.predict(films, { root }));
    const before = memory();
    let done = 0;
    const onProgress = () => done++;
    // Files that are read ahead take their time, and are awaited all the same.
    let reading = 0;
    const { readFile } = Deno;
    Deno.readFile = async (path, options) => {
      reading++;
      if (/[de]\.png$/.test(`${path}`)) await new Promise((resolve) => setTimeout(resolve, 300));
      return await readFile(path, options).finally(() => reading--);
    };
    try {
      for await (const { imageId } of ensemble.predict(films, { root, onProgress })) {
        if (imageId !== "b") continue;
        assert(reading > 0, "nothing is read ahead");
        break;
      }
      assertEquals([done, reading], [1, 0]);
    } finally {
      Deno.readFile = readFile;
    }
    assertEquals(memory(), before);
    const [first] = await all(ensemble.predict(films.slice(0, 1), { root }));
    assertClose(first!.probabilities, whole[0]!.probabilities, 1e-6);
    ensemble.dispose();
  }));

Deno.test("Ensemble.predict() refuses films that cannot be decoded, and names the first", () =>
  withFolder(async (root) => {
    const films = await writeFilms(root, 3);
    await Deno.writeTextFile(films[1]!.path, "no DICOM file");
    await Deno.remove(films[2]!.path);
    const ensemble = new Ensemble([fake(32, pointwise)]);
    const seen: string[] = [];
    const predict = async () => {
      for await (const { imageId } of ensemble.predict(films, { root })) seen.push(imageId);
    };
    const error = await assertRejects(predict, Error, "as 2 cannot be decoded, the first is");
    assert(error.message.includes(`${filmPath(root, "test", "b")}: `), error.message);
    assertEquals(error.message.includes("undefined"), false, error.message);
    assertEquals(seen, []);
    ensemble.dispose();
  }));

Deno.test("Ensemble.predict() hands on a model's error and leaves nothing behind", () =>
  withFolder(async (root) => {
    const films = await writeFilms(root, 1);
    const before = memory();
    const ensemble = new Ensemble([
      fake(32, () => {
        throw new RangeError("no such weights");
      }),
    ]);
    const predict = () => all(ensemble.predict(films, { root }));
    await assertRejects(predict, RangeError, "no such weights");
    ensemble.dispose();
    assertEquals(memory(), before);
  }));

Deno.test("Ensemble frees its models, and refuses to be without one", () => {
  assertThrows(() => new Ensemble([]), RangeError, "there is no model");
  const freed: string[] = [];
  const members = ["a", "b"].map((name) => {
    const member = fake(32, pointwise);
    member.model.dispose = () => void freed.push(name);
    return member;
  });
  new Ensemble(members).dispose();
  assertEquals(freed, ["a", "b"]);
});
