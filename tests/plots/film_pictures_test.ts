import { assertEquals, assertRejects } from "@std/assert";
import { encodeRle, FILM_SIZE, Prepared } from "@/data/mod.ts";
import { faintestFilms, filmGrid, filmPictures, scorePictures } from "@/plots/mod.ts";
import { imaginaryFilm, rectangle } from "../data/small_dataset.ts";

const SIZE = 4;

/** Films whose pixels all have the number of the film; its mask is its last row. */
class FakePrepared extends Prepared {
  constructor() {
    super({
      folder: "",
      size: SIZE,
      hash: "",
      sourceHash: "",
      excluded: [],
      labels: new Map(),
      cacheBytes: 0,
    });
  }
  override readImage(imageId: string) {
    return Promise.resolve(new Uint8Array(SIZE * SIZE).fill(Number(imageId)));
  }
  override readMask(imageId: string) {
    if (imageId === "9") return Promise.reject(new RangeError("9 is not annotated"));
    return Promise.resolve(new Uint8Array(SIZE * SIZE).fill(255, SIZE * (SIZE - 1)));
  }
}

const prepared = new FakePrepared();
const FILMS = ["3", "1", "2"].map((imageId) => imaginaryFilm(imageId));
const TRUTH = [...new Array<number>(12).fill(0), 255, 255, 255, 255];

Deno.test("filmPictures() gives images, annotations and captions in the films' order", async () => {
  const pictures = await filmPictures(prepared, FILMS, ({ imageId }) => `film ${imageId}`);
  assertEquals(pictures.map(({ caption }) => caption), ["film 3", "film 1", "film 2"]);
  assertEquals(pictures.map(({ grey }) => grey[0]), [3, 1, 2]);
  assertEquals([...pictures[0]!.truth!], TRUTH);
  assertEquals((await filmPictures(prepared, FILMS))[0]!.caption, "");
  assertEquals(await filmPictures(prepared, []), []);
});

Deno.test("filmPictures() refuses a film that is not annotated", async () => {
  await assertRejects(() => filmPictures(prepared, [imaginaryFilm("9")]), RangeError, "annotated");
});

Deno.test("scorePictures() adds the predicted mask at the films' size, and the dice", async () => {
  const quarter = FILM_SIZE / 4;
  const corner = new Uint8Array(FILM_SIZE * FILM_SIZE);
  corner[FILM_SIZE * FILM_SIZE - 1] = 1;
  const pictures = await scorePictures(prepared, [
    // The second pixel of the third row.
    { film: FILMS[0]!, dice: 0.856, rle: rectangle(quarter, 2 * quarter, quarter, quarter) },
    { film: FILMS[1]!, dice: 1, rle: "-1" },
    // A single pixel of the full size can still be seen.
    { film: FILMS[2]!, dice: 0, rle: encodeRle(corner, FILM_SIZE, FILM_SIZE) },
  ]);
  const set = pictures.map(({ prediction }) =>
    [...prediction!.entries()].flatMap(([i, value]) => value > 0 ? [i] : [])
  );
  assertEquals(set, [[9], [], [15]]);
  assertEquals(pictures.map(({ caption }) => caption), ["dice 0.86", "dice 1.00", "dice 0.00"]);
  assertEquals(pictures.map(({ grey }) => grey[0]), [3, 1, 2]);
  assertEquals([...pictures[1]!.truth!], TRUTH);
  const jpeg = await filmGrid(pictures, { tile: 16 });
  assertEquals([jpeg[0], jpeg[1]], [0xff, 0xd8]);
});

Deno.test("faintestFilms() gives the films whose grey values spread least", async () => {
  const spread: Record<string, number> = { a: 90, b: 10, c: 50 };
  const striped = {
    has: (imageId: string) => imageId in spread,
    readImage: (imageId: string) =>
      Promise.resolve(Uint8Array.from({ length: 16 }, (_, i) => 100 + (i % 2) * spread[imageId]!)),
  } as unknown as Prepared;
  const films = ["a", "b", "unknown", "c"].map((imageId) => imaginaryFilm(imageId));
  const faintest = await faintestFilms(striped, films, 2);
  assertEquals(faintest.map(({ imageId }) => imageId), ["b", "c"]);
});
