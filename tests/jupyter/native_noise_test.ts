import { assertEquals } from "@std/assert";
import { withoutNativeNoise } from "../../src/jupyter/native_noise.ts";

// Lines as TensorFlow 2.21 and Deno 2.9 print them.
const NOISE = [
  'Warning "deno jupyter" is unstable and might change in the future.',
  "2025-11-23 21:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on. " +
  "You may see slightly different numerical results due to floating-point round-off errors.",
  "2025-11-23 21:00:00.2: W external/local_xla/xla/tsl/framework/cpu_allocator_impl.cc:84] Allocation",
  "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
  "I0000 00:00:1763935200.123456   12345 cpu_feature_guard.cc:227] This TensorFlow binary is optimized",
  "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with flags.",
  "E0000 00:00:1763935200.1 12345 cuda_dnn.cc:8579] Unable to register cuDNN factory: Attempting to",
  "Download https://example.org/a.tgz",
  "╭ Warning",
  "│  Ignored build scripts for packages:",
  "╰─",
];

const WORDS = [
  "2025-11-23 21:00:00.123456: E tensorflow/core/common.cc:12] Out of memory",
  "E0000 00:00:1763935200.1 12345 cuda.cc:8579] failed call to cuInit",
  "libpng warning: iCCP: known incorrect sRGB profile",
  "Downloading is not the word",
];

Deno.test("withoutNativeNoise() drops known start-up lines and keeps all others", () => {
  const mixed = [...NOISE, WORDS[0], ...NOISE, ...WORDS.slice(1)].map((line) => `${line}\n`);
  assertEquals(withoutNativeNoise(mixed.join("")), WORDS.map((line) => `${line}\n`).join(""));
  assertEquals(withoutNativeNoise("an unfinished line"), "an unfinished line");
  assertEquals(withoutNativeNoise(""), "");
});
