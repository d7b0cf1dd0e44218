import { join } from "node:path";
import {
  decodeRle,
  encodeGreyPng,
  encodeRle,
  readGreyPng,
  readRleTable,
  uniteRles,
} from "@/data/mod.ts";
import { DatasetError } from "@/data/mod.ts";
import {
  decodeDicom,
  deterministicUid,
  DicomError,
  encodeDicom,
  encodeJpeg,
  parseDicom,
} from "@/dicom/mod.ts";
import {
  ExperimentError,
  listExperiments,
  loadExperiment,
  projectFolder,
  readRun,
  RunRecord,
  RunRecordError,
} from "@/experiments/mod.ts";
import { Manifest } from "@/data/manifest.ts";
import { decodeSafetensors, encodeSafetensors, SafetensorsError, sha256 } from "@/files/mod.ts";
import { isHdf5 } from "@/pretrained/keras_file.ts";
import { readKerasLayers } from "@/pretrained/keras_layers.ts";
import { tf } from "@/tensorflow/mod.ts";
import { assignGroup, CheckpointError, readCheckpoint, writeCheckpoint } from "@/training/mod.ts";
import vectors from "../dicom/vectors.json" with { type: "json" };
import { kerasFiles } from "./keras_files.ts";
import { expect, type Target } from "./target.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);
const base64 = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Every parser of a file that comes from outside, or that may have been damaged since. */
export async function makeTargets(folder: string): Promise<Target[]> {
  return [
    await dicom(),
    await png(folder),
    csv(folder),
    rle(),
    await yaml(folder),
    safetensors(),
    await checkpoint(folder),
    await record(folder),
    await manifest(folder),
    await keras(),
  ];
}

async function dicom(): Promise<Target> {
  const pixels = Uint8Array.from({ length: 32 * 24 }, (_, i) => (i * 7) % 251);
  const jpeg = await encodeJpeg(pixels, 32, 24);
  const film = encodeDicom({ pixels: { jpeg }, width: 32, height: 24 }, {
    patientId: "patient",
    studyInstanceUid: deterministicUid("study"),
    seriesInstanceUid: deterministicUid("series"),
    sopInstanceUid: deterministicUid("film"),
  });
  return {
    name: "dicom",
    seeds: [film, ...vectors.flatMap((vector) => vector.base64 ? [base64(vector.base64)] : [])],
    async read(bytes) {
      const film = await decodeDicom(parseDicom(bytes, "film.dcm"));
      const { rows, columns, photometricInterpretation } = film.metadata;
      expect(film.width === columns && film.height === rows, "another size than the header's");
      expect(film.pixels.length === rows * columns && rows * columns > 0, "too few pixels");
      expect(film.pixels instanceof Uint8Array, "no grey levels");
      expect(/^MONOCHROME[12]$/.test(photometricInterpretation ?? ""), "colour");
    },
    isRefusal: (error) =>
      error instanceof DicomError && error.message.startsWith("Cannot read film.dcm as "),
  };
}

async function png(folder: string): Promise<Target> {
  const size = 24;
  const path = join(folder, "image.png");
  const images = [
    Uint8Array.from({ length: size * size }, (_, i) => (i * 7) % 251),
    Uint8Array.from({ length: size * size }, (_, i) => i % size > 9 && i < 300 ? 255 : 0), // a mask
  ];
  return {
    name: "png",
    // Copies, as a slice of a Buffer shares its memory.
    seeds: await Promise.all(
      images.map(async (image) => new Uint8Array(await encodeGreyPng(image, size))),
    ),
    async read(bytes) {
      await Deno.writeFile(path, bytes);
      const read = await readGreyPng(path, size);
      // Checksums see what was changed, unless it is no part of the pixels.
      const same = images.some((image) => image.every((value, i) => value === read[i]));
      expect(same && read.length === size * size, "other pixels than were written");
    },
    isRefusal: (error) => error instanceof DatasetError && error.message.includes(path),
  };
}

/** Whether a mask's text was read as what it says: only -1 stands for nothing. */
function checkMask(mask: Uint8Array, encoded: readonly string[]): void {
  const empty = mask.every((value) => value === 0);
  const saysEmpty = encoded.every((row) => row.trim() === "-1");
  expect(empty === saysEmpty, `a silent ${empty ? "empty" : "full"} mask: "${encoded}"`);
}

function isRleError(error: unknown): boolean {
  return (error instanceof SyntaxError || error instanceof RangeError) &&
    error.message.startsWith("Cannot ");
}

function csv(folder: string): Target {
  const path = join(folder, "train-rle.csv");
  const lines = ["a1, -1", "b2, 10 4 3 2", "b2, 30 9", 'c3,"5 5 1 1"', "d4,-1"];
  return {
    name: "csv",
    seeds: [
      bytesOf(`ImageId, EncodedPixels\n${lines.join("\n")}\n`),
      bytesOf(`\u{feff}"ImageId","EncodedPixels"\r\n${lines.join("\r\n")}`),
    ],
    async read(bytes) {
      await Deno.writeFile(path, bytes);
      for (const { imageId, encodedPixels } of await readRleTable(path)) {
        expect(typeof imageId === "string" && typeof encodedPixels === "string", "no text");
        try {
          checkMask(uniteRles([encodedPixels], 12, 10), [encodedPixels]);
        } catch (error) {
          if (!isRleError(error)) throw error;
        }
      }
    },
    isRefusal: (error) => error instanceof DatasetError && error.message.includes(path),
  };
}

function rle(): Target {
  const seeds = ["-1", "0 1", "10 4 3 2 1 1", "119 1", "0 120", " 3 3\t4 4 "];
  return {
    name: "rle",
    seeds: seeds.map(bytesOf),
    read(bytes) {
      const encoded = text(bytes);
      const mask = decodeRle(encoded, 12, 10);
      checkMask(mask, [encoded]);
      expect(mask.length === 120, "another size");
      const again = decodeRle(encodeRle(mask, 12, 10), 12, 10);
      expect(again.every((value, i) => value === mask[i]), "another mask when written again");
      const lengths = encoded.trim().split(/\s+/).map(Number).filter((_, i) => i % 2 === 1);
      const area = lengths.reduce((sum, length) => sum + length, 0);
      expect(mask.reduce((sum, value) => sum + value, 0) === area, "another area");
    },
    isRefusal: isRleError,
  };
}

async function yaml(folder: string): Promise<Target> {
  const all = (await listExperiments()).filter((name) =>
    name.endsWith("1-128") ||
    name.endsWith("1-256")
  );
  const seeds = await Promise.all(
    all.map((name) => Deno.readFile(join(projectFolder, "experiments", `${name}.yaml`))),
  );
  await Promise.all(all.map((name) => Deno.mkdir(join(folder, name, ".."), { recursive: true })));
  return {
    name: "yaml",
    seeds,
    async read(bytes, source) {
      const name = all[source]!;
      await Deno.writeFile(join(folder, `${name}.yaml`), bytes);
      const experiment = await loadExperiment(name, { folder, quick: false });
      expect(experiment.name === name, "another name");
      expect(Number.isFinite(experiment.training.epochs), "no number of epochs");
    },
    isRefusal: (error) => error instanceof ExperimentError && error.problems.length > 0,
  };
}

/** Whether a tensor has the numbers that its shape asks for. */
function checkTensor(name: string, { shape, data }: { shape: number[]; data: ArrayLike<number> }) {
  const count = shape.reduce((product, length) => product * length, 1);
  expect(data.length === count, `${name} has ${data.length} numbers for [${shape}]`);
}

function safetensors(): Target {
  const seeds = [
    encodeSafetensors({
      tensors: new Map([
        ["weights/kernel", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
        ["optimizer/step", { shape: [], data: Int32Array.of(7) }],
      ]),
      metadata: { state: JSON.stringify({ epoch: 3 }) },
    }),
    encodeSafetensors({
      tensors: new Map([["bias", { shape: [4], data: new Float32Array(4) }]]),
      metadata: {},
    }),
  ];
  return {
    name: "safetensors",
    seeds,
    read(bytes) {
      const { tensors, metadata } = decodeSafetensors(bytes, "weights.safetensors");
      for (const [name, tensor] of tensors) checkTensor(name, tensor);
      const areTexts = Object.values(metadata).every((value) => typeof value === "string");
      expect(areTexts, "metadata that are no texts");
    },
    isRefusal: (error) => error instanceof SafetensorsError && error.message.startsWith("Cannot "),
  };
}

/** A checkpoint whose damage its hash does not show, as the record was damaged in the same way. */
async function checkpoint(folder: string): Promise<Target> {
  const file = "last-0001.safetensors";
  const kernel = tf.variable(tf.tensor2d([[1, 2, 3], [4, 5, 6]]));
  const groups = { weights: new Map([["kernel", kernel]]), optimizer: new Map() };
  await writeCheckpoint(folder, file, groups, { epoch: 1, best: { dice: 0.5 } });
  const seeds = [await Deno.readFile(join(folder, file))];
  return {
    name: "checkpoint",
    seeds,
    async read(bytes) {
      await Deno.writeFile(join(folder, file), bytes);
      const read = await readCheckpoint(folder, { file, sha256: sha256(bytes) });
      const stored = read.group("weights");
      for (const [name, tensor] of stored) checkTensor(name, tensor);
      const before = kernel.dataSync();
      try {
        assignGroup(groups.weights, stored, "weights");
      } catch (error) {
        expect(
          kernel.dataSync().every((value, i) => Object.is(value, before[i])),
          "half of it is used",
        );
        throw error;
      }
    },
    isRefusal: (error) => error instanceof CheckpointError && error.message.startsWith("Cannot "),
  };
}

/** Records of runs: damaged ones must not be listed as runs, nor take others with them. */
async function record(folder: string): Promise<Target> {
  const runs = join(folder, "runs");
  const experiment = await loadExperiment("phantom/1-128", { quick: false });
  const hash = sha256("films");
  const started = await RunRecord.start({
    experiment,
    runs,
    data: {
      root: "films",
      hash,
      films: { train: 8, validation: 2, test: 0 },
      excluded: [{ id: "a", reason: "it is truncated" }],
    },
  });
  await started.epoch({ epoch: 1, loss: 0.5, validationDice: 0.25, seconds: 9 }, {
    last: { file: "last-0001.safetensors", sha256: hash, epoch: 1, value: null },
  });
  await started.finish();
  const { id } = started;
  const path = join(started.folder, "run.yaml");
  return {
    name: "record",
    seeds: [await Deno.readFile(path)],
    async read(bytes) {
      await Deno.writeFile(path, bytes);
      const run = await readRun(id, runs);
      expect(run.id === id, "another run");
      expect(Object.values(run.checkpoints).every(({ file }) => !/[/\\]/.test(file)), "a path");
      expect(run.metrics.every((epoch) => typeof epoch.epoch === "number"), "no metrics");
    },
    isRefusal: (error) => error instanceof RunRecordError && error.message.includes(path),
  };
}

/** The list of prepared films: what is damaged in it is made again, never taken for a film. */
async function manifest(folder: string): Promise<Target> {
  const entry = (imageId: string) => ({
    imageId,
    bytes: 10,
    modified: 5,
    sha256: sha256(imageId),
    annotation: "",
    imageBytes: 7,
    maskBytes: 0,
  });
  const list = await Manifest.open(folder);
  for (const imageId of ["a", "b", "c"]) list.add(entry(imageId));
  list.close();
  const path = join(folder, "films.jsonl");
  return {
    name: "manifest",
    seeds: [await Deno.readFile(path)],
    async read(bytes) {
      await Deno.writeFile(path, bytes);
      const read = await Manifest.open(folder);
      const found = ["a", "b", "c"].map((imageId) => read.get(imageId)?.imageId ?? imageId);
      expect(found.join("") === "abc", "another film's entry");
      if (["a", "b", "c"].some((imageId) => !read.get(imageId))) throw new MadeAgain();
    },
    isRefusal: (error) => error instanceof MadeAgain,
  };
}

/** A film that the manifest does not know any more. */
class MadeAgain extends Error {}

async function keras(): Promise<Target> {
  return {
    name: "keras",
    isolated: true, // by readKerasFile(); a process for each input would be slow here
    seeds: await kerasFiles(),
    async read(bytes) {
      if (!isHdf5(bytes)) throw new KerasRefusal();
      let tensors: Awaited<ReturnType<typeof readKerasLayers>>;
      try {
        tensors = await readKerasLayers(bytes);
      } catch (error) {
        throw new KerasRefusal(undefined, { cause: error });
      }
      for (const [name, tensor] of tensors) {
        // What is no float comes without numbers.
        if (tensor.data instanceof Float32Array) checkTensor(name, tensor);
      }
    },
    isRefusal: (error) => error instanceof KerasRefusal,
  };
}

/** Whatever readKerasLayers() throws, readKerasFile() makes a refusal. */
class KerasRefusal extends Error {}
