import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { decodeSafetensors } from "@/files/mod.ts";
import { ARCHITECTURES, createModel, INFERENCE, type ModelOptions } from "@/model/mod.ts";
import { jit, library, tf } from "@/tensorflow/mod.ts";
import { assertClose } from "../tensorflow/assert_close.ts";

// A library that the environment variable names may come without a Python, and so without Keras.
const ignore = library.python === undefined;

interface Comparison {
  options: ModelOptions;
  /** The encoder's name in Keras. */
  variant: string;
  size: number;
}

const COMPARISONS: Comparison[] = [
  {
    options: { architecture: "simplified-unet++", encoder: "efficientnet-b4" },
    variant: "B4",
    size: 256,
  },
  { options: { architecture: "unet", encoder: "efficientnet-b0" }, variant: "", size: 64 },
  {
    options: { architecture: "encoder-unet", encoder: "efficientnet-b0" },
    variant: "B0",
    size: 64,
  },
  {
    options: { architecture: "unet++", encoder: "efficientnet-b0", deepSupervision: true },
    variant: "B0",
    size: 64,
  },
  // At stride 16, 16 pixels a side: two of the three dilations reach beyond the kernel's centre.
  {
    options: { architecture: "deeplabv3+", encoder: "efficientnet-b0", startFilters: 4 },
    variant: "B0",
    size: 256,
  },
];

Deno.test(
  "the models give the logits of Keras's, with as many parameters",
  { ignore },
  async (t) => {
    const compared = COMPARISONS.map(({ options }) => options.architecture);
    assertEquals(new Set(compared), new Set(ARCHITECTURES));
    const folder = await Deno.makeTempDir();
    try {
      const { success, stderr } = await new Deno.Command(library.python!, {
        args: [
          join(import.meta.dirname!, "keras_model.py"),
          folder,
          ...COMPARISONS.map(({ options, variant, size }) =>
            [options.architecture, variant, size, options.startFilters ?? 8].join(":")
          ),
        ],
        stdout: "null",
        stderr: "piped",
      }).output();
      assert(success, new TextDecoder().decode(stderr));
      for (const { options } of COMPARISONS) {
        await t.step(`${options.architecture} with ${options.encoder}`, async () => {
          await compare(options, join(folder, `${options.architecture}.safetensors`));
        });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

async function compare(options: ModelOptions, file: string): Promise<void> {
  const { tensors, metadata } = decodeSafetensors(await Deno.readFile(file), file);
  const values = new Map(
    [...tensors].map(([name, { shape, data }]) => [name, tf.tensor(data, shape)] as const),
  );
  const input = values.get("input") as tf.Tensor4D, logits = values.get("logits")!;
  values.delete("input");
  values.delete("logits");

  const model = createModel(options);
  assertEquals(String(model.weights.parameterCount), metadata.parameters);
  model.weights.assign(values);
  const predict = jit((x: tf.Tensor4D) => model.apply(x, INFERENCE));
  const predicted = predict(input);
  assertClose(predicted, logits, 1e-4, "logits");
  // Logits that are all alike would hide an error.
  const { mean, variance } = tf.moments(logits);
  assert(variance.dataSync()[0]! > 1e-3);
  predict.dispose();
  model.dispose();
  tf.dispose([...values.values(), input, logits, predicted, mean, variance]);
}
