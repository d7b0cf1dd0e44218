/** Our path from a prepared film to its mask, mirrored too: `tta.ts SIZE MINIMUM_AREA [bfloat16]`. */
import { join } from "node:path";
import { loadFilms } from "@/data/mod.ts";
import { loadExperiment, type Run } from "@/experiments/mod.ts";
import { Ensemble, toMask } from "@/postprocessing/mod.ts";
import type { MixedPrecision } from "@/tensorflow/mod.ts";
import { network } from "./network.ts";
import { PHANTOM, PHANTOM_FILMS } from "./phantom.ts";
import { milliseconds, serve } from "./serve.ts";

const FILMS = 3;

const [size, minimumArea] = Deno.args.slice(0, 2).map(Number) as [number, number];
const format = Deno.args[2] as MixedPrecision | undefined;
const experiment = await loadExperiment("siim/2-512", { overrides: [`data.size=${size}`] });
const model = network();
const ensemble = new Ensemble([{ model, run: { experiment } as Run }], {
  flip: true,
  batch: 1,
  ...(format && { mixedPrecision: format }),
});
const films = (await loadFilms(PHANTOM_FILMS)).films.slice(0, FILMS);

await serve(async () => {
  const time = await milliseconds(async () => {
    const predictions = ensemble.predict(films, {
      root: PHANTOM,
      folder: join(PHANTOM, "..", "tta"),
    });
    for await (const { probabilities } of predictions) {
      toMask(probabilities, { rule: "threshold", flip: true, threshold: 0.5, minimumArea });
    }
  });
  return time / FILMS;
});
