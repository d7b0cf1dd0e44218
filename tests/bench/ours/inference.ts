/** Our inference of one film: `inference.ts SIZE [bfloat16|float16]`. */
import type { MixedPrecision } from "@/tensorflow/mod.ts";
import { films, predictorOf } from "./network.ts";
import { milliseconds, serve } from "./serve.ts";

const PREDICTIONS = 5;

const [size, format] = Deno.args as [string, string?];
const { images } = films(1, Number(size));
const predict = predictorOf(images, format ? { mixedPrecision: format as MixedPrecision } : {});

await serve(() => milliseconds(predict, PREDICTIONS));
