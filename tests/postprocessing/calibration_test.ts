import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeRle, type Film, FILM_SIZE } from "@/data/mod.ts";
import { calibrate, Calibration, shiftedDice, shiftMask } from "@/postprocessing/mod.ts";

Deno.test("Calibration compares probabilities with frequencies", () => {
  const calibration = new Calibration(2);
  calibration.add(Float32Array.of(0.125, 0.375, 0.5, 1), Uint8Array.of(0, 255, 1, 0));
  calibration.add(Float32Array.of(0), Uint8Array.of(0));
  const { bins, error } = calibration.values();
  assertEquals(bins, [
    { from: 0, to: 0.5, pixels: 3, predicted: 0.5 / 3, annotated: 1 / 3 },
    { from: 0.5, to: 1, pixels: 2, predicted: 0.75, annotated: 0.5 },
  ]);
  // By hand: 3/5 |1/6 - 1/3| + 2/5 |3/4 - 1/2| = 0.2
  assert(Math.abs(error - 0.2) < 1e-12);
});

Deno.test("Calibration has no error where every probability comes true", () => {
  const calibration = new Calibration();
  calibration.add(Float32Array.of(0.75, 0.75, 0.75, 0.75, 0, 1), Uint8Array.of(1, 1, 1, 0, 0, 1));
  assertEquals(calibration.values().error, 0);
  assert(Number.isNaN(calibration.values().bins[4]!.annotated));
});

Deno.test("Calibration refuses what is no probability", () => {
  assertThrows(() => new Calibration(0), RangeError, "must be >= 1: 0");
  const add = (...values: number[]) =>
    new Calibration().add(Float32Array.from(values), new Uint8Array(1));
  assertThrows(() => add(1.5), RangeError, "not from 0 to 1: 1.5 at pixel 0");
  assertThrows(() => add(NaN), RangeError, "NaN at pixel 0");
  assertThrows(() => add(0, 0), RangeError, "their lengths differ: 2, 1");
});

const PIXELS = FILM_SIZE * FILM_SIZE;

/** A film whose annotation is so many columns wide, from the left edge on, over its whole height. */
function film(columns: number): Film {
  const mask = Uint8Array.from({ length: PIXELS }, (_, i) => i % FILM_SIZE < columns ? 1 : 0);
  const rows = [encodeRle(mask, FILM_SIZE, FILM_SIZE)];
  const area = columns * FILM_SIZE;
  return { imageId: `${columns}`, rows, positive: true, area, path: "", bytes: 0, patientId: "" };
}

Deno.test("calibrate() looks at the annotation of each film", async () => {
  const predictions = async function* () {
    yield await Promise.resolve({
      imageId: "256",
      probabilities: new Float32Array(PIXELS).fill(0.25),
    });
  };
  // A quarter of the film is annotated.
  assertEquals((await calibrate(predictions(), [film(256)])).error, 0);
});

Deno.test("shiftMask() moves to the right and loses what leaves", () => {
  // deno-fmt-ignore
  const mask = Uint8Array.of(
    1, 0, 1,
    0, 1, 0,
    0, 0, 0,
  );
  assertEquals(shiftMask(mask, 1), Uint8Array.of(0, 1, 0, 0, 0, 1, 0, 0, 0));
  assertEquals(shiftMask(mask, 0), mask);
  assertEquals(shiftMask(mask, 3), new Uint8Array(9));
  assertThrows(() => shiftMask(mask, 4), RangeError, "from 0 to 3: 4");
  assertThrows(() => shiftMask(new Uint8Array(5), 1), RangeError, "not square: 5");
});

Deno.test("shiftedDice() falls with the distance, and faster for a thin mask", () => {
  const [thin, wide] = [film(16), film(64)];
  const scores = shiftedDice([thin, wide], [0, 8, 16]);
  assertEquals(scores.map(({ shift, dice }) => [shift, dice]), [
    [0, 1],
    [8, 0.5],
    [16, 0],
    [0, 1],
    [8, 0.875],
    [16, 0.75],
  ]);
  // IoU = dice / (2 - dice)
  for (const { dice, iou } of scores) assert(Math.abs(iou - dice / (2 - dice)) < 1e-12);
});
