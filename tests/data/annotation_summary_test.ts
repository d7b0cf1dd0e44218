import { assertEquals } from "@std/assert";
import { annotationSummary, duplicateImages, type Film, type Prepared } from "@/data/mod.ts";

function film(imageId: string, rows: string[], area: number): Film {
  return { imageId, rows, area, positive: area > 0, path: "", bytes: 0, patientId: "" };
}

Deno.test("annotationSummary() counts pieces, and those that overlap", () => {
  // Relative run lengths: 10 pixels from the sixth on, then 10 from the first on (5 of them twice).
  const summary = annotationSummary([
    film("a", ["0 10"], 10),
    film("b", ["5 10", "0 10"], 15),
    film("c", ["0 10", "20 5", "40 1"], 16),
    film("d", ["-1"], 0),
  ]);
  assertEquals(summary, { several: 2, most: 3, overlapping: 1, changed: 0 });
  assertEquals(annotationSummary([]), { several: 0, most: 0, overlapping: 0, changed: 0 });
});

Deno.test("duplicateImages() groups films whose images are the same", async () => {
  const images: Record<string, number[]> = {
    a: [1, 2],
    b: [1, 3],
    c: [1, 2],
    d: [1, 2],
    e: [9, 9],
  };
  const prepared = {
    has: (imageId: string) => imageId in images,
    readImage: (imageId: string) => Promise.resolve(Uint8Array.from(images[imageId]!)),
  } as unknown as Prepared;
  const films = [..."abcdeX"].map((imageId) => film(imageId, [], 0));
  const groups = await duplicateImages(prepared, films);
  assertEquals(groups.map((group) => group.map(({ imageId }) => imageId)), [["a", "c", "d"]]);
});
