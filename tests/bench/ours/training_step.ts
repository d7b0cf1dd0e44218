/** Our training step: `training_step.ts SIZE BATCH steps|first|memory [bfloat16|float16]`. */
import type { MixedPrecision } from "@/tensorflow/mod.ts";
import { films, stepOf } from "./network.ts";
import { milliseconds, peakMemory, serve } from "./serve.ts";

const STEPS = { steps: 3, first: 1, memory: 10 };

const [size, batch, measure, format] = Deno.args as [string, string, keyof typeof STEPS, string?];
const step = stepOf(format ? { mixedPrecision: format as MixedPrecision } : {});
const noise = films(Number(batch), Number(size));

await serve(async () => {
  const time = await milliseconds(() => step(noise), STEPS[measure]);
  return measure === "memory" ? peakMemory() : time;
});
