import { assertEquals, assertLess, assertThrows } from "@std/assert";
import {
  constantLosses,
  foundDiscLosses,
  LOSSES,
  type LossPoint,
  lowestPoints,
  missedDiscLosses,
  pixelLosses,
  relativeToFirst,
} from "@/losses/mod.ts";
import { assertClose, memory } from "../tensorflow/assert_close.ts";

const values = (points: LossPoint[], name: string) =>
  points.filter(({ series }) => series === name).map(({ y }) => y);
const softplus = (z: number) => Math.log1p(Math.exp(z));
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const LOGITS = [-2, 0, 0.5, 3];

Deno.test("pixelLosses() of a pixel of the mask, by hand", () => {
  const before = memory();
  const points = pixelLosses(LOSSES, LOGITS);
  assertEquals(points.length, LOSSES.length * LOGITS.length);
  assertEquals(points[1], { x: 0, y: points[1]!.y, series: "bce" });
  assertClose(values(points, "bce"), LOGITS.map((z) => softplus(-z)), 1e-6);
  assertClose(values(points, "focal"), LOGITS.map((z) => sigmoid(-z) ** 2 * softplus(-z)), 1e-6);
  assertClose(
    values(points, "dice"),
    LOGITS.map((z) => 1 - (2 * sigmoid(z) + 1) / (sigmoid(z) + 2)),
    1e-6,
  );
  // One pixel alone is the whole Jaccard index: the hinge.
  assertClose(values(points, "lovasz"), [3, 1, 0.5, 0], 1e-6);
  assertClose(values(points, "symmetricLovasz"), [3, 1, 0.5, 0], 1e-6);
  assertEquals(memory(), before);
});

Deno.test("missedDiscLosses(): the cross-entropy grows with the disc, the overlaps do not", () => {
  const areas = [0.01, 0.05, 0.2];
  const points = missedDiscLosses(LOSSES, areas);
  // The background costs softplus(-6), the disc softplus(6); its area is right to half a pixel.
  const bce = areas.map((area) => (1 - area) * softplus(-6) + area * softplus(6));
  for (const [i, value] of values(points, "bce").entries()) {
    assertClose([value], [bce[i]!], 3 / 64 ** 2);
  }
  // Every pixel of the disc is wrong by a hinge of 7, and together they are the whole index.
  assertClose(values(points, "lovasz"), [7, 7, 7], 1e-4);
  for (const value of values(points, "dice")) assertClose([value], [0.985], 0.015);
});

Deno.test("foundDiscLosses() falls from a missed disc to a found one", () => {
  const area = 0.05;
  const points = foundDiscLosses(LOSSES, [-6, -3, 0, 3, 6], area);
  const missed = missedDiscLosses(LOSSES, [area]);
  for (const name of LOSSES) {
    const curve = values(points, name);
    assertClose([curve[0]!], values(missed, name), 1e-6);
    for (let i = 1; i < 4; i++) assertLess(curve[i]!, curve[i - 1]!, name);
    assertClose([curve.at(-1)!], [0], 0.05);
  }
  // Direct: 1 - z, as all pixels of the disc err alike and the background does not.
  assertClose(values(points, "lovasz"), [7, 4, 1, 0, 0], 1e-4);
});

Deno.test("constantLosses(): below half of positive films Lovász likes the empty mask best", () => {
  const logits = Array.from({ length: 17 }, (_, i) => -4 + i / 2);
  const lowest = (positiveShare: number) =>
    lowestPoints(constantLosses(["lovasz"], logits, { positiveShare, area: 0.02 }))[0]!;
  // In (-1, 0) the mean is s (1 - z) + (1 - s) (1 + z), whose slope is 1 - 2 s.
  assertEquals(lowest(0.22).x, -1);
  assertClose([lowest(0.22).y], [0.22 * 2], 1e-5);
  assertEquals(lowest(0.8).x, 0);
  assertClose([lowest(0.8).y], [1], 1e-5);
});

Deno.test("relativeToFirst() and lowestPoints() look at each series by itself", () => {
  const points: LossPoint[] = [
    { x: 1, y: 4, series: "bce" },
    { x: 2, y: 1, series: "bce" },
    { x: 3, y: 1, series: "bce" },
    { x: 1, y: 0.5, series: "dice" },
    { x: 2, y: 0.75, series: "dice" },
  ];
  assertEquals(relativeToFirst(points).map(({ y }) => y), [1, 0.25, 0.25, 1, 1.5]);
  assertEquals(lowestPoints(points), [points[1]!, points[3]!]);
});

Deno.test("a disc must fit into its film", () => {
  for (const area of [0, -0.1, 0.8, NaN]) {
    assertThrows(() => missedDiscLosses(["dice"], [area]), RangeError, `0.785: ${area}`);
  }
});
