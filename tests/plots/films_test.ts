import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import sharp from "sharp";
import { COLORS, drawMask, filmGrid, greyToRgb, overlay } from "@/plots/mod.ts";
import { outline } from "../../src/plots/overlay.ts";

/** A mask from a drawing: # is inside. */
function maskOf(drawing: string): Uint8Array {
  const rows = drawing.trim().split(/\s+/);
  return Uint8Array.from(rows.join(""), (character) => Number(character === "#"));
}

function drawingOf(mask: Uint8Array, size: number): string[] {
  const text = Array.from(mask, (value) => value ? "#" : ".").join("");
  return Array.from({ length: size }, (_, row) => text.slice(row * size, (row + 1) * size));
}

const DISC = maskOf(`
  .......
  ..###..
  .#####.
  .#####.
  .#####.
  ..###..
  .......`);

Deno.test("outline() is the part of a mask next to its edge", () => {
  assertEquals(drawingOf(outline(DISC, 7, 1), 7), [
    ".......",
    "..###..",
    ".#...#.",
    ".#...#.",
    ".#...#.",
    "..###..",
    ".......",
  ]);
  // Of row 3 only the centre is three steps from the outside.
  assertEquals(drawingOf(outline(DISC, 7, 2), 7)[3], ".##.##.");
  assertEquals(outline(DISC, 7, 9), DISC);
});

Deno.test("outline() closes a mask at the border of the image", () => {
  assertEquals(drawingOf(outline(maskOf("### ### ###"), 3, 1), 3), ["###", "#.#", "###"]);
  assertEquals(outline(new Uint8Array(9), 3, 2), new Uint8Array(9));
});

Deno.test("overlay() blends a fill and leaves the rest of the film", () => {
  const grey = new Uint8Array([100, 100, 100, 200]);
  const mask = new Uint8Array([255, 0, 0, 1]);
  const rgb = overlay(grey, mask, { color: "#FF0080", style: "fill", opacity: 0.25 });
  // 0.75 * 100 + 0.25 * (255, 0, 128) and 0.75 * 200 + 0.25 * (255, 0, 128)
  assertEquals([...rgb], [139, 75, 107, 100, 100, 100, 100, 100, 100, 214, 150, 182]);
  assertEquals([...grey], [100, 100, 100, 200]);
  assertEquals([...greyToRgb(new Uint8Array([7]))], [7, 7, 7]);
});

Deno.test("overlay() draws an outline in full colour", () => {
  const rgb = overlay(new Uint8Array(49), DISC, { thickness: 1, color: "#010203" });
  const at = (row: number, column: number) => [...rgb.subarray(3 * (7 * row + column)).slice(0, 3)];
  assertEquals(at(1, 2), [1, 2, 3]);
  assertEquals(at(3, 3), [0, 0, 0]);
});

Deno.test("overlay() refuses what does not fit", () => {
  const four = new Uint8Array(4);
  assertThrows(() => overlay(new Uint8Array(5), four), RangeError, "not square");
  assertThrows(() => overlay(new Uint8Array(0), four), RangeError, "not square");
  assertThrows(() => overlay(four, new Uint8Array(9)), RangeError, "not the film's size");
  assertThrows(() => drawMask(new Uint8Array(12), four, { color: "red" }), SyntaxError, "#RRGGBB");
});

/** A pixel of a picture as RGB. */
async function pixelsOf(picture: Uint8Array) {
  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => {
    const start = (y * info.width + x) * info.channels;
    return [...data.subarray(start, start + 3)];
  };
  return { width: info.width, height: info.height, at, data };
}

function isNear(actual: number[], expected: number[], tolerance = 30): boolean {
  return actual.every((value, index) => Math.abs(value - expected[index]!) <= tolerance);
}

const rgbOf = (color: string) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

Deno.test("filmGrid() places films, masks and captions", async () => {
  const size = 50;
  const dark = new Uint8Array(size * size).fill(40);
  const bright = new Uint8Array(size * size).fill(200);
  const half = (start: number) =>
    Uint8Array.from(dark, (_, index) => Number(index % size >= start && index % size < start + 25));
  const picture = await filmGrid([
    { grey: dark, truth: half(0), prediction: half(25), caption: "both <&>" },
    { grey: bright, caption: "a caption that is much too long for a film of this size" },
    { grey: bright },
  ], { columns: 2, tile: 100, title: "Films" });
  assertEquals(picture.subarray(0, 3).toHex(), "ffd8ff");

  const { width, height, at, data } = await pixelsOf(picture);
  // Two tiles and three gaps of 10; the header of 28, two rows of tile, caption (22) and gap.
  assertEquals([width, height], [230, 28 + 2 * 132 + 10]);
  assert(isNear(at(0, 0), [255, 255, 255]), "white paper");
  assert(isNear(at(35, 80), [40, 40, 40]), "inside of the truth the film is seen");
  assert(isNear(at(11, 80), rgbOf(COLORS.truth), 60), `truth: ${at(11, 80)}`);
  assert(isNear(at(108, 80), rgbOf(COLORS.prediction), 60), `prediction: ${at(108, 80)}`);
  assert(isNear(at(170, 80), [200, 200, 200]), "second film");
  assert(isNear(at(60, 220), [200, 200, 200]), "third film, second row");
  assert(isNear(at(170, 220), [255, 255, 255]), "no fourth film");
  const captionRows = data.subarray(141 * width * 3, 158 * width * 3);
  assert(captionRows.some((value) => value < 100), "a caption is written");
});

Deno.test("filmGrid() takes films of different sizes and needs no masks", async () => {
  const films = [8, 33, 512].map((size) => ({ grey: new Uint8Array(size * size).fill(90) }));
  const { width, height, at } = await pixelsOf(await filmGrid(films, { tile: 64 }));
  assertEquals([width, height], [3 * 74 + 10, 84]);
  for (const x of [40, 114, 188]) assert(isNear(at(x, 40), [90, 90, 90]));
});

Deno.test("filmGrid() refuses what it cannot draw", async () => {
  const grey = new Uint8Array(16);
  await assertRejects(() => filmGrid([]), RangeError, "there are none");
  await assertRejects(() => filmGrid([{ grey }], { columns: 0 }), RangeError, "columns");
  await assertRejects(() => filmGrid([{ grey: new Uint8Array(15) }]), RangeError, "not square");
  const wrong = [{ grey, prediction: new Uint8Array(9) }];
  await assertRejects(() => filmGrid(wrong), RangeError, "prediction");
});

Deno.test("filmGrid() draws where masks agree, and where only one of them is", async () => {
  const size = 40;
  const grey = new Uint8Array(size * size).fill(100);
  const columns = (from: number, to: number) =>
    Uint8Array.from(grey, (_, i) => Number(i % size >= from && i % size < to));
  const film = { grey, truth: columns(0, 20), prediction: columns(10, 30) };
  const { at } = await pixelsOf(
    await filmGrid([film], { style: "agreement", tile: 400, quality: 95 }),
  );
  // Ten pixels a column, a gap of 10; a quarter of the film shows through.
  const seen = (name: keyof typeof COLORS) => rgbOf(COLORS[name]).map((v) => 0.75 * v + 25);
  assert(isNear(at(60, 200), seen("truth only"), 12), `truth only: ${at(60, 200)}`);
  assert(isNear(at(160, 200), seen("both"), 12), `both: ${at(160, 200)}`);
  assert(isNear(at(260, 200), seen("prediction only"), 12), `prediction only: ${at(260, 200)}`);
  assert(isNear(at(360, 200), [100, 100, 100], 12), `neither: ${at(360, 200)}`);
});

Deno.test("filmGrid() draws probabilities in the colours of heat maps", async () => {
  const grey = new Uint8Array(16 * 16);
  const probabilities = Float32Array.from(grey, (_, i) => i % 16 < 8 ? 0 : 1);
  const { at } = await pixelsOf(await filmGrid([{ grey, probabilities }], { tile: 160 }));
  // Viridis (van der Walt & Smith 2015) from #440154 to #FDE725.
  assert(isNear(at(40, 90), rgbOf("#440154"), 12), `0: ${at(40, 90)}`);
  assert(isNear(at(140, 90), rgbOf("#FDE725"), 12), `1: ${at(140, 90)}`);
  const wrong = [{ grey, probabilities: new Float32Array(9) }];
  await assertRejects(() => filmGrid(wrong), RangeError, "9 pixels, not 256");
});
