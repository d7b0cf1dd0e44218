/** Our search of a triplet: `triplet_search.ts FILMS SIZE`. */
import { TripletSearch } from "@/postprocessing/mod.ts";
import { Random } from "@/random/mod.ts";
import { milliseconds, serve } from "./serve.ts";

/** As many maps are held; they are gone through again and again. */
const DISTINCT = 20;

const [count, size] = Deno.args.map(Number) as [number, number];
const random = new Random(1);
const films = Array.from({ length: DISTINCT }, (_, film) => {
  const truth = new Uint8Array(size * size);
  for (let y = 0; film % 2 === 0 && y < size / 8; y++) truth.fill(1, y * size, y * size + size / 8);
  return { probabilities: Float32Array.from(truth, () => random.uniform(0, 1)), truth };
});

await serve(() =>
  milliseconds(() => {
    const search = new TripletSearch({
      tops: [0.5, 0.6, 0.7, 0.8, 0.9],
      areas: [500, 1000, 2000, 3000],
      bottoms: [0.1, 0.2, 0.3, 0.4, 0.5],
    });
    for (let i = 0; i < count; i++) {
      const { probabilities, truth } = films[i % DISTINCT]!;
      search.add(probabilities, truth);
    }
    search.best();
  })
);
