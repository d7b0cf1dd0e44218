import { assertEquals } from "@std/assert";
import { type Config, configProto } from "@/tensorflow/config.ts";
import vectors from "./config_vectors.json" with { type: "json" };

// Worked by hand from config.proto: a key is (field number << 3 | wire type), 2 for a message.
// gpu_options is field 6, its allow_growth field 4; the thread counts are fields 2 and 5. experimental is
// field 16, whose key takes two bytes, its disable_thread_spinning field 9.
Deno.test("configProto() encodes GPU growth, sleeping threads and their number", () => {
  const growth = [6 << 3 | 2, 2, 4 << 3, 1, (16 << 3 | 2) & 127 | 128, 1, 2, 9 << 3, 1];
  assertEquals([...configProto()], growth);
  assertEquals([...configProto({ threads: 1 })], [2 << 3, 1, 5 << 3, 1, ...growth]);
  assertEquals([...configProto({ threads: 300 })], [2 << 3, 0xac, 2, 5 << 3, 0xac, 2, ...growth]);
});

Deno.test("configProto() writes the bytes that TensorFlow's own classes write", () => {
  for (const { options, bytes } of vectors) {
    assertEquals([...configProto(options as Config)], bytes, JSON.stringify(options));
  }
  assertEquals(vectors.length, 6);
});
