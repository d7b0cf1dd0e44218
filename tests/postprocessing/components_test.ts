import { assertEquals, assertThrows } from "@std/assert";
import {
  componentOverlaps,
  connectedComponents,
  type Connectivity,
  removeSmallComponents,
} from "@/postprocessing/mod.ts";
import { Random } from "@/random/mod.ts";
import reference from "./component_vectors.json" with { type: "json" };

const maskOf = (rows: readonly string[]) => Uint8Array.from(rows.join(""), Number);

/** Labels by flooding from each pixel: slow, and obviously right. */
function floodLabels(mask: Uint8Array, width: number, height: number, connectivity: number) {
  const labels = new Int32Array(mask.length);
  let count = 0;
  for (let seed = 0; seed < mask.length; seed++) {
    if (mask[seed] === 0 || labels[seed] !== 0) continue;
    count++;
    const waiting = [seed];
    while (waiting.length > 0) {
      const i = waiting.pop()!;
      if (labels[i] !== 0) continue;
      labels[i] = count;
      const x = i % width;
      const y = Math.floor(i / width);
      for (
        const [dx, dy] of [[-1, -1], [0, -1], [1, -1], [-1, 0], [1, 0], [-1, 1], [0, 1], [1, 1]]
      ) {
        if (connectivity === 4 && dx !== 0 && dy !== 0) continue;
        const [nx, ny] = [x + dx!, y + dy!];
        if (nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
        if (mask[ny * width + nx] !== 0) waiting.push(ny * width + nx);
      }
    }
  }
  return { labels, count };
}

for (const { width, height, connectivity, mask, labels, count } of reference.cases) {
  Deno.test(`connectedComponents() agrees with scipy: ${width} x ${height}, ${connectivity}`, () => {
    const actual = connectedComponents(maskOf(mask), width, height, connectivity as Connectivity);
    assertEquals(actual.count, count);
    assertEquals([...actual.labels], labels);
    const areas = Array.from({ length: count + 1 }, (_, i) => labels.filter((l) => l === i).length);
    assertEquals(actual.areas, areas);
  });
}

Deno.test("connectedComponents() agrees with flooding for random masks", () => {
  for (let trial = 0; trial < 300; trial++) {
    const random = new Random(4, "components", trial);
    const width = 1 + random.integer(14);
    const height = 1 + random.integer(14);
    const density = random.uniform(0.2, 0.8);
    const mask = Uint8Array.from({ length: width * height }, () => random.chance(density) ? 1 : 0);
    for (const connectivity of [4, 8] as const) {
      const actual = connectedComponents(mask, width, height, connectivity);
      const expected = floodLabels(mask, width, height, connectivity);
      assertEquals([...actual.labels], [...expected.labels]);
      assertEquals(actual.count, expected.count);
    }
  }
});

Deno.test("connectedComponents() unites a spiral and the teeth of a comb", () => {
  const spiral = ["1111111", "0000001", "1111101", "1000101", "1011101", "1000001", "1111111"];
  assertEquals(connectedComponents(maskOf(spiral), 7, 7, 4).count, 1);
  const comb = ["1010101", "1010101", "1111111"];
  assertEquals(connectedComponents(maskOf(comb), 7, 3, 4).areas, [6, 15]);
});

Deno.test("connectedComponents() takes corners as touching under 8 only", () => {
  const mask = maskOf(["100", "010", "001"]);
  assertEquals(connectedComponents(mask, 3, 3).count, 1);
  assertEquals(connectedComponents(mask, 3, 3, 4).count, 3);
  assertEquals(connectedComponents(maskOf(["0110", "1001"]), 4, 2).count, 1);
  // The end of one row does not touch the start of the next.
  assertEquals(connectedComponents(maskOf(["0001", "1000"]), 4, 2).count, 2);
});

Deno.test("connectedComponents() handles empty and full masks, and refuses ill ones", () => {
  assertEquals(connectedComponents(new Uint8Array(6), 3, 2).areas, [6]);
  assertEquals(connectedComponents(new Uint8Array(6).fill(255), 3, 2).areas, [0, 6]);
  assertThrows(() => connectedComponents(new Uint8Array(5), 3, 2), RangeError, "values: 5");
  const six = 6 as unknown as Connectivity;
  assertThrows(() => connectedComponents(new Uint8Array(6), 3, 2, six), RangeError, "4 or 8: 6");
});

Deno.test("removeSmallComponents() drops regions below the minimum and keeps those at it", () => {
  const mask = maskOf(["110001", "100001", "000000", "001111"]);
  const remove = (minimum: number) => [...removeSmallComponents(mask, 6, 4, minimum)].join("");
  assertEquals(remove(0), "110001" + "100001" + "000000" + "001111");
  assertEquals(remove(3), "110000" + "100000" + "000000" + "001111");
  assertEquals(remove(4), "000000" + "000000" + "000000" + "001111");
  assertEquals(remove(5), "0".repeat(24));
  assertEquals([...removeSmallComponents(Uint8Array.of(255, 0), 2, 1, 1)], [1, 0]);
  assertThrows(() => removeSmallComponents(mask, 6, 4, -1), RangeError, "-1");
  assertThrows(() => removeSmallComponents(mask, 6, 4, NaN), RangeError, "NaN");
});

Deno.test("componentOverlaps() counts each region and what of it is annotated", () => {
  // deno-fmt-ignore
  const mask = Uint8Array.of(
    1, 1, 0, 0,
    0, 0, 1, 0,
    0, 0, 0, 0,
    1, 0, 0, 9,
  );
  // deno-fmt-ignore
  const truth = Uint8Array.of(
    0, 1, 1, 1,
    0, 0, 5, 0,
    0, 0, 0, 0,
    0, 0, 0, 1,
  );
  const overlaps = componentOverlaps(mask, truth, 4, 4);
  assertEquals(overlaps, [{ area: 3, common: 2 }, { area: 1, common: 0 }, { area: 1, common: 1 }]);
  assertEquals(componentOverlaps(new Uint8Array(16), truth, 4, 4), []);
  assertThrows(() => componentOverlaps(mask, new Uint8Array(15), 4, 4), RangeError, "15");
  assertThrows(() => componentOverlaps(mask, truth, 4, 5), RangeError, "4 x 5");
});

Deno.test("componentOverlaps() agrees with connectedComponents() on noise", () => {
  const [width, height] = [23, 17];
  const bit = (i: number, step: number) => (i * step) % 101 > 50 ? 1 : 0;
  const mask = Uint8Array.from({ length: width * height }, (_, i) => bit(i, 37));
  const truth = Uint8Array.from({ length: width * height }, (_, i) => bit(i, 53));
  const { areas, labels, count } = connectedComponents(mask, width, height);
  const expected = Array.from({ length: count }, (_, label) => ({
    area: areas[label + 1]!,
    common: labels.filter((value, i) => value === label + 1 && truth[i] === 1).length,
  }));
  assertEquals(componentOverlaps(mask, truth, width, height), expected);
});
