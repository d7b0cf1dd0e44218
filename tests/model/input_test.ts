import { assertEquals } from "@std/assert";
import { jit, tf } from "@/tensorflow/mod.ts";
import { normalizeImages } from "@/model/mod.ts";
import { assertClose } from "../tensorflow/assert_close.ts";

Deno.test("normalizeImages() gives each colour the mean 0 and the deviation 1 of ImageNet", () => {
  // (grey - mean) / deviation of red, green and blue.
  const expected = [
    ...[-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
    ...[0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225],
  ];
  const traced = jit(normalizeImages);
  for (const normalize of [normalizeImages, traced]) {
    const normalized = normalize(tf.tensor4d([0, 1], [1, 1, 2, 1]));
    assertClose(normalized, expected, 1e-5);
    assertEquals(normalized.shape, [1, 1, 2, 3]);
  }
  traced.dispose();
});
