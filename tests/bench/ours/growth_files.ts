/**
 * Index and one epoch of batches over many films: `growth_files.ts FILMS time|memory`; milliseconds a
 * film, or the peak of memory. The films are hard links of the phantom's, its prepared PNGs too.
 *
 * Memory is measured over `EPOCH_FILMS` films, few of them again and again: what an epoch allocates and
 * V8 has not yet collected then is the same, and what is left of a difference comes of their number.
 */
import { basename, join } from "node:path";
import { batches, loadDataset, prepare, Prepared } from "@/data/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import { PHANTOM } from "./phantom.ts";
import { milliseconds, peakMemory, serve } from "./serve.ts";

const SIZE = 256;
const BATCH = 16;
/** Less than what 200 films need, so that the cache is full with few films as with many. */
const CACHE_BYTES = 4 * 2 ** 20;

/** Films that pass while memory is measured. */
const EPOCH_FILMS = 12_047;

const [countText, measure] = Deno.args as [string, "time" | "memory"];
const count = Number(countText);
const root = join(PHANTOM, "..", `growth-${count}`);
await linkFilms(root, count);

await serve(async () => {
  const repeats = measure === "memory" ? Math.ceil(EPOCH_FILMS / count) : 1;
  const time = await milliseconds(async () => {
    const { train } = await loadDataset(root);
    const prepared = new Prepared({
      folder: join(root, "prepared"),
      size: SIZE,
      sourceHash: "",
      hash: "links",
      excluded: [],
      labels: new Map(train.map(({ imageId, positive }) => {
        return [imageId, positive ? "positive" : "negative"] as const;
      })),
      cacheBytes: CACHE_BYTES,
    });
    for await (const batch of batches(prepared, train, { batchSize: BATCH })) void batch;
  }, repeats);
  return measure === "memory" ? peakMemory() : time / count;
});

/** Makes a data set of `count` films that are links to those of the phantom. */
async function linkFilms(root: string, count: number): Promise<void> {
  const table = join(root, "train-rle.csv");
  if (await Deno.stat(table).then(() => true, () => false)) return;
  const { train } = await loadDataset(PHANTOM);
  const { folder } = await prepare(train, {
    root: PHANTOM,
    folder: join(PHANTOM, "..", "growth"),
    size: SIZE,
  });
  const dicom = join(root, "dicom-images-train"), prepared = join(root, "prepared");
  await Deno.remove(root, { recursive: true }).catch(() => {});
  await Deno.mkdir(dicom, { recursive: true });
  await Deno.mkdir(prepared);
  const rows: string[] = ["ImageId, EncodedPixels"];
  for (let i = 0; i < count; i++) {
    const film = train[i % train.length]!;
    const imageId = `${i}-${basename(film.imageId)}`;
    await Deno.link(film.path, join(dicom, `${imageId}.dcm`));
    await Deno.link(join(folder, `${film.imageId}.png`), join(prepared, `${imageId}.png`));
    if (film.positive) {
      const mask = `${film.imageId}.mask.png`;
      await Deno.link(join(folder, mask), join(prepared, `${imageId}.mask.png`));
    }
    rows.push(...film.rows.map((row) => `${imageId}, ${row}`));
  }
  // Last, as it says that the folder is complete.
  await writeFileAtomic(table, rows.join("\n") + "\n");
}
