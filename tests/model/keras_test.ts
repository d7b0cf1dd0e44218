import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { decodeSafetensors } from "@/files/mod.ts";
import { createModel, INFERENCE } from "@/model/mod.ts";
import { jit, library, tf } from "@/tensorflow/mod.ts";
import { assertClose } from "../tensorflow/assert_close.ts";

// A library that the environment variable names may come without a Python, and so without Keras.
const ignore = library.python === undefined;

Deno.test("the model with EfficientNet-B4 gives Keras's logits", { ignore }, async () => {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "model.safetensors");
  try {
    const { success, stderr } = await new Deno.Command(library.python!, {
      args: [join(import.meta.dirname!, "keras_model.py"), file, "B4", "256"],
      stdout: "null",
      stderr: "piped",
    }).output();
    assert(success, new TextDecoder().decode(stderr));

    const { tensors, metadata } = decodeSafetensors(await Deno.readFile(file), file);
    const values = new Map(
      [...tensors].map(([name, { shape, data }]) => [name, tf.tensor(data, shape)] as const),
    );
    const input = values.get("input") as tf.Tensor4D, logits = values.get("logits")!;
    values.delete("input");
    values.delete("logits");

    const model = createModel({ architecture: "simplified-unet++", encoder: "efficientnet-b4" });
    assertEquals(String(model.weights.parameterCount), metadata.parameters);
    model.weights.assign(values);
    const predict = jit((x: tf.Tensor4D) => model.apply(x, INFERENCE));
    assertClose(predict(input), logits, 1e-4, "logits");
    // Logits that are all alike would hide an error.
    const { variance } = tf.moments(logits);
    assert(variance.dataSync()[0]! > 1e-3);
    predict.dispose();
    model.dispose();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
