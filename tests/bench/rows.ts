import { fileURLToPath } from "node:url";
import { FILM_SIZE } from "@/data/mod.ts";
import { PHANTOM_FILMS, PHANTOM_TABLE } from "./ours/phantom.ts";

/** One side of a comparison: a program that speaks the line protocol of {@linkcode Contestant}. */
export interface Program {
  /** Shown in the table. */
  name: string;
  /** `ours/*.ts` runs on Deno, `peers/*.py` in the peers' environment. */
  script: string;
  args: readonly (string | number)[];
}

/** A row of the table. */
export interface Row {
  name: string;
  /** What one sample is. */
  work: string;
  unit: "ms" | "MiB" | "share";
  /** The ratio that is wanted at most. */
  bar: number;
  ours: Program;
  /** The ratio is taken to the first. Without peers our own value is the ratio. */
  peers: readonly Program[];
  /** Rounds unless asked otherwise. */
  rounds: number;
  /** Whether each sample needs a new process; otherwise the first sample is a warm-up. */
  fresh?: boolean;
  /** Whether it reads the phantom's films. */
  films?: boolean;
}

const MINIMUM_AREA = 2000;

const ours = (script: string, ...args: Program["args"]): Program => {
  return { name: "ours", script: `ours/${script}.ts`, args };
};
const peer = (name: string, script: string, ...args: Program["args"]): Program => {
  return { name, script: `peers/${script}.py`, args };
};
const keras = (script: string, ...args: Program["args"]) => peer("Keras graph", script, ...args);

/** Every comparison on the CPU, with the sizes of its work. */
export const ROWS: readonly Row[] = [
  {
    name: "train_step",
    work: "EfficientNet-B4 simplified U-Net++, 256 px, batch 2, BCE + dice, Adam, float32",
    unit: "ms",
    bar: 0.7,
    ours: ours("training_step", 256, 2, "steps"),
    peers: [keras("keras_step", 256, 2, "steps")],
    rounds: 7,
  },
  {
    name: "train_step_bf16",
    work: "the same in mixed bfloat16, against Keras in float32",
    unit: "ms",
    bar: 0.6,
    ours: ours("training_step", 256, 2, "steps", "bfloat16"),
    peers: [keras("keras_step", 256, 2, "steps")],
    rounds: 7,
  },
  {
    name: "train_step_512",
    work: "the same at 512 px, batch 1, float32",
    unit: "ms",
    bar: 0.7,
    ours: ours("training_step", 512, 1, "steps"),
    peers: [keras("keras_step", 512, 1, "steps")],
    rounds: 5,
  },
  {
    name: "first_step",
    work: "trace, compile and first step, 256 px, batch 2, in a new process",
    unit: "ms",
    bar: 0.1,
    ours: ours("training_step", 256, 2, "first"),
    peers: [keras("keras_step", 256, 2, "first")],
    rounds: 2,
    fresh: true,
  },
  {
    name: "train_memory",
    work: "peak resident memory over 10 steps, 256 px, batch 2, in a new process",
    unit: "MiB",
    bar: 0.8,
    ours: ours("training_step", 256, 2, "memory"),
    peers: [keras("keras_step", 256, 2, "memory")],
    rounds: 2,
    fresh: true,
  },
  {
    name: "inference_512",
    work: "the same network, 512 px, batch 1, probabilities out, float32",
    unit: "ms",
    bar: 0.69,
    ours: ours("inference", 512),
    peers: [
      keras("keras_inference", 512),
      peer("OpenVINO", "openvino_inference", 512, "float32"),
      peer("ONNX Runtime", "onnx_inference", 512),
    ],
    rounds: 7,
  },
  {
    name: "inference_bf16",
    work: "the same in mixed bfloat16, against Keras in float32",
    unit: "ms",
    bar: 0.45,
    ours: ours("inference", 512, "bfloat16"),
    peers: [
      keras("keras_inference", 512),
      peer("OpenVINO bfloat16", "openvino_inference", 512, "bfloat16"),
    ],
    rounds: 7,
  },
  {
    name: "inference_tta",
    work:
      "from a prepared film at 512 px, mirrored too, to a mask at 1024 px without small regions",
    unit: "ms",
    bar: 0.6,
    ours: ours("tta", 512, MINIMUM_AREA),
    peers: [peer("Keras graph + OpenCV", "keras_tta", 512, FILM_SIZE, MINIMUM_AREA)],
    rounds: 5,
    films: true,
  },
  {
    name: "inference_tta_bf16",
    work: "the same in mixed bfloat16, against Keras in float32",
    unit: "ms",
    bar: 0.6,
    ours: ours("tta", 512, MINIMUM_AREA, "bfloat16"),
    peers: [peer("Keras graph + OpenCV", "keras_tta", 512, FILM_SIZE, MINIMUM_AREA)],
    rounds: 5,
    films: true,
  },
  {
    name: "decode",
    work: "200 DICOM files to grey arrays of 512 px, all cores",
    unit: "ms",
    bar: 0.9,
    ours: ours("decode", "arrays", 512, PHANTOM_FILMS),
    peers: [
      peer("pydicom + OpenCV, 2 processes", "decode", "arrays", 512, PHANTOM_FILMS),
    ],
    rounds: 7,
    films: true,
  },
  {
    name: "prepare",
    work: "200 DICOM files to PNGs of 512 px with the contrast stretched, all cores",
    unit: "ms",
    bar: 0.5,
    ours: ours("decode", "files", 512, PHANTOM_FILMS),
    peers: [
      peer("pydicom + pillow, 2 processes", "decode", "files", 512, PHANTOM_FILMS),
    ],
    rounds: 5,
    films: true,
  },
  {
    name: "augment",
    work: "64 films of 512 px with their masks, every change of siim/* applied to each, all cores",
    unit: "ms",
    bar: 0.6,
    ours: ours("augment", 512, 64),
    peers: [peer("albumentations, 2 processes", "augment", 512, 64)],
    rounds: 7,
  },
  {
    name: "data_wait",
    work: "share of a training step at 512 px, batch 1, that waits for its batch; nothing cached",
    unit: "share",
    bar: 0.02,
    ours: ours("data_wait", 512, 1, 8),
    peers: [],
    rounds: 3,
    films: true,
  },
  {
    name: "rle",
    work: "1,000 masks of 1024 px decoded from run lengths and encoded again",
    unit: "ms",
    bar: 0.5,
    ours: ours("rle", PHANTOM_TABLE, 1000, FILM_SIZE),
    peers: [peer("numpy", "run_lengths", PHANTOM_TABLE, 1000, FILM_SIZE)],
    rounds: 5,
    films: true,
  },
  {
    name: "triplet_search",
    work: "the best of 100 triplets on 500 predictions of 1024 px",
    unit: "ms",
    bar: 0.2,
    ours: ours("triplet_search", 500, FILM_SIZE),
    peers: [
      peer("numpy, each triplet", "triplet_search", "each", 500, FILM_SIZE),
      peer("numpy, counts shared", "triplet_search", "levels", 500, FILM_SIZE),
    ],
    rounds: 2,
  },
  {
    name: "growth_files",
    work: "index and one epoch of batches at 256 px, a film of 12,047 against a film of 200",
    unit: "ms",
    bar: 1.1,
    ours: ours("growth_files", 12_047, "time"),
    peers: [{ ...ours("growth_files", 200, "time"), name: "ours, 200 films" }],
    rounds: 2,
    films: true,
  },
  {
    name: "growth_memory",
    work: "the peak of resident memory over 12,047 films, against 200 films read 61 times",
    unit: "MiB",
    bar: 1.2,
    ours: ours("growth_files", 12_047, "memory"),
    peers: [{ ...ours("growth_files", 200, "memory"), name: "ours, 200 films" }],
    rounds: 1,
    fresh: true,
    films: true,
  },
  {
    name: "growth_steps",
    work:
      "resident memory after 10,000 small steps as a share of that after 1,000; no tensor is left",
    unit: "share",
    bar: 1.05,
    ours: ours("growth_steps", 1000, 10_000),
    peers: [],
    rounds: 1,
    fresh: true,
  },
];

/** The comparisons on a GPU: batches of the experiments, mixed float16 on both sides where it says so. */
export const GPU_ROWS: readonly Row[] = [
  {
    name: "train_step",
    work: "EfficientNet-B4 simplified U-Net++, 256 px, batch 16, BCE + dice, Adam, float32",
    unit: "ms",
    bar: 0.7,
    ours: ours("training_step", 256, 16, "steps"),
    peers: [keras("keras_step", 256, 16, "steps")],
    rounds: 7,
  },
  {
    name: "train_step_fp16",
    work: "the same in mixed float16 with a loss scale, Keras too",
    unit: "ms",
    bar: 0.7,
    ours: ours("training_step", 256, 16, "steps", "float16"),
    peers: [keras("keras_step", 256, 16, "steps", "mixed_float16")],
    rounds: 7,
  },
  {
    name: "train_step_512",
    work: "the same at 512 px, batch 4, float32",
    unit: "ms",
    bar: 0.7,
    ours: ours("training_step", 512, 4, "steps"),
    peers: [keras("keras_step", 512, 4, "steps")],
    rounds: 7,
  },
  {
    name: "first_step",
    work: "trace, compile and first step, 256 px, batch 16, in a new process",
    unit: "ms",
    bar: 0.1,
    ours: ours("training_step", 256, 16, "first"),
    peers: [keras("keras_step", 256, 16, "first")],
    rounds: 2,
    fresh: true,
  },
  {
    name: "inference_512",
    work: "the same network, 512 px, batch 1, probabilities out, float32",
    unit: "ms",
    bar: 0.69,
    ours: ours("inference", 512),
    peers: [keras("keras_inference", 512)],
    rounds: 7,
  },
  ...ROWS.filter(({ name }) => name === "inference_tta" || name === "data_wait"),
];

/** The rows of these names, in the table's order; all of them if none is named. */
export function selectRows(rows: readonly Row[], names: readonly string[]): readonly Row[] {
  const known = rows.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new RangeError(
      `Cannot run the row as there is none of that name: ${unknown.join(", ")}. The rows are ` +
        known.join(", "),
    );
  }
  return names.length === 0 ? rows : rows.filter(({ name }) => names.includes(name));
}

/** Where a program's script lies. */
export function scriptPath({ script }: Program): string {
  return fileURLToPath(new URL(script, import.meta.url));
}
