import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import { decodeSafetensors } from "@/files/mod.ts";
import { createModel, type EncoderName, INFERENCE } from "@/model/mod.ts";
import { convertFile, loadPretrained, PretrainedError } from "@/pretrained/mod.ts";
import { library, tf } from "@/tensorflow/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";

// A library that the environment variable names may come without a Python, and so without Keras.
const ignore = library.python === undefined;

const FILES: [file: string, encoder: EncoderName, maps: string][] = [
  ["b0_notop.weights.h5", "efficientnet-b0", "efficientnet-b0"],
  ["b0_notop.h5", "efficientnet-b0", "efficientnet-b0"],
  ["b0_top.weights.h5", "efficientnet-b0", "efficientnet-b0"],
  ["b0_top_model.h5", "efficientnet-b0", "efficientnet-b0"],
  ["b0_keras2.h5", "efficientnet-b0", "efficientnet-b0"],
  ["resnet50_keras.h5", "resnet50-v1", "resnet50-v1"],
  ["resnet50_keras.weights.h5", "resnet50-v1", "resnet50-v1"],
  ["b0.safetensors", "efficientnet-b0", "efficientnet-b0 of timm"],
  ["resnet34.safetensors", "resnet34", "resnet34"],
  ["resnet50.safetensors", "resnet50", "resnet50"],
  ["seresnext50.safetensors", "seresnext50-32x4d", "seresnext50-32x4d"],
];

const OTHERS: [EncoderName, string[]][] = [
  ["efficientnet-b1", [" missing (block1b_dwconv/kernel, "]],
  ["efficientnet-b3", [
    " missing (",
    " misshapen (stem_conv/kernel is [3, 3, 3, 32] instead of [3",
  ]],
  ["resnet50-v1", [" missing (conv1_conv/kernel, ", " unexpected (", "stem_conv/kernel"]],
  ["resnet34", ["resnet34 is defined as timm has it, and this is Keras's file"]],
];

Deno.test("pretrained weights of Keras and timm make the same feature maps here", {
  ignore,
}, async (t) => {
  const folder = await Deno.makeTempDir();
  const before = memory();
  try {
    const { success, stderr } = await new Deno.Command(library.python!, {
      args: [join(import.meta.dirname!, "oracle.py"), folder],
      stdout: "null",
      stderr: "piped",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const path = join(folder, "maps.safetensors");
    const { tensors: maps } = decodeSafetensors(await Deno.readFile(path), path);

    for (const [file, encoder, prefix] of FILES) {
      await t.step(file, async () => {
        const converted = join(folder, "converted.safetensors");
        await convertFile(join(folder, file), encoder, converted);
        const model = createModel({
          architecture: "simplified-unet++",
          encoder,
          startFilters: 1,
          seed: 9,
        });
        await loadPretrained(model, converted);
        for (const input of [0, 1, 2]) {
          const { data, shape } = maps.get(`input${input}`)!;
          tf.tidy(() => {
            const images = tf.tensor4d(data, shape as [number, number, number, number]);
            const found = model.encoder.apply(images, INFERENCE);
            for (const [i, { name }] of model.encoder.features.entries()) {
              const expected = maps.get(`${prefix}/${input}/${name}`)!;
              assertEquals(found[i]!.shape, expected.shape);
              assertRelative(
                found[i]!.dataSync() as Float32Array,
                expected.data,
                `${name} ${input}`,
              );
            }
          });
        }
        model.dispose();
      });
    }

    await t.step("a file of Keras that was cut", async () => {
      const bytes = await Deno.readFile(join(folder, "b0_notop.h5"));
      for (const length of [4096, bytes.length >> 1, bytes.length - 1]) {
        const cut = join(folder, "cut.h5");
        await Deno.writeFile(cut, bytes.subarray(0, length));
        const convert = () => convertFile(cut, "efficientnet-b0", join(folder, "never"));
        await assertRejects(convert, PretrainedError, "it is damaged: truncated file");
      }
    });
    await t.step("a file of Keras for another encoder", async () => {
      const file = join(folder, "b0_notop.h5");
      for (const [encoder, says] of OTHERS) {
        const convert = () => convertFile(file, encoder, join(folder, "never"));
        const { message } = await assertRejects(convert, PretrainedError);
        for (const part of says) assertStringIncludes(message, part);
      }
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assertEquals(memory(), before);
});

/** Fails unless the largest difference is at most 1e-4 of the values' standard deviation. */
function assertRelative(found: Float32Array, expected: ArrayLike<number>, what: string): void {
  let sum = 0, squares = 0, largest = 0;
  for (let i = 0; i < expected.length; i++) {
    sum += expected[i]!;
    squares += expected[i]! ** 2;
    largest = Math.max(largest, Math.abs(found[i]! - expected[i]!));
  }
  const mean = sum / expected.length;
  const deviation = Math.sqrt(squares / expected.length - mean ** 2);
  assertGreater(deviation, 1e-2, `${what}: maps that are all alike would hide an error`);
  assert(largest <= 1e-4 * deviation, `${what}: off by ${largest / deviation} deviations`);
}
