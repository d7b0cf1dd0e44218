import { assertEquals } from "@std/assert";
import { maskToSquare } from "@/data/mod.ts";
import { type DicomFile, encodeDicom, parseDicom } from "@/dicom/mod.ts";
import { describeMask, type FilmDescription } from "@/prediction/mod.ts";

const shape = { width: 12, height: 8 };

/** A film without spacing or orientation, or with those given. */
function film(texts: Record<string, string> = {}): DicomFile {
  const bytes = encodeDicom({ pixels: new Uint8Array(96), ...shape, pixelSpacing: null }, {
    patientId: "p",
    studyInstanceUid: "2.25.1",
    seriesInstanceUid: "2.25.2",
    sopInstanceUid: "2.25.3",
  });
  const file = parseDicom(bytes, "film.dcm");
  const dataSet = {
    string: (tag: string, index = 0) => texts[tag]?.split("\\")[index],
    floatString: (tag: string, index = 0) => {
      const text = texts[tag]?.split("\\")[index];
      return text === undefined ? undefined : Number(text);
    },
  } as unknown as DicomFile["dataSet"];
  return { ...file, dataSet };
}

/** Two rectangles: 3 x 2 px at the left, 4 x 4 px at the right; or one of them. */
function maskOf(...names: ("small" | "large")[]): Uint8Array {
  const mask = new Uint8Array(96);
  const fill = (left: number, top: number, width: number, height: number) => {
    for (let y = top; y < top + height; y++) mask.fill(1, y * 12 + left, y * 12 + left + width);
  };
  if (names.includes("small")) fill(1, 1, 3, 2);
  if (names.includes("large")) fill(7, 3, 4, 4);
  return mask;
}

async function described(mask: Uint8Array, file = film()): Promise<FilmDescription> {
  const square = await maskToSquare(mask, shape);
  const probabilities = Float32Array.from(square, (inside) => inside ? 0.75 : 0.25);
  return describeMask({ mask, shape, square, probabilities }, file);
}

Deno.test("describeMask() tells regions, the largest first", async () => {
  const { areaPixels, positive, regions, side } = await described(maskOf("small", "large"));
  assertEquals([positive, areaPixels, side], [true, 22, "both"]);
  assertEquals(regions, [
    {
      areaPixels: 16,
      areaMm2: null,
      centroid: { x: 8.5, y: 4.5 },
      box: { left: 7, top: 3, width: 4, height: 4 },
      side: "left",
    },
    {
      areaPixels: 6,
      areaMm2: null,
      centroid: { x: 2, y: 1.5 },
      box: { left: 1, top: 1, width: 3, height: 2 },
      side: "right",
    },
  ]);
});

Deno.test("describeMask() measures where the header has a spacing", async () => {
  const cases: [Record<string, string>, number | null, string | undefined][] = [
    [{ x00280030: "0.5\\0.25" }, 6 * 0.125, "PixelSpacing"],
    [{ x00181164: "0.1\\0.2" }, 6 * 0.02, "ImagerPixelSpacing"],
    [{ x00280030: "0.5\\0.25", x00181164: "0.1\\0.2" }, 6 * 0.125, "PixelSpacing"],
    [{ x00280030: "0\\0", x00181164: "0.1\\0.2" }, 6 * 0.02, "ImagerPixelSpacing"],
    [{ x00280030: "0\\0" }, null, undefined],
    [{}, null, undefined],
  ];
  for (const [texts, area, from] of cases) {
    const { areaMm2, pixelSpacing, regions } = await described(maskOf("small"), film(texts));
    assertEquals(areaMm2?.toFixed(9), area?.toFixed(9));
    assertEquals(regions[0]!.areaMm2?.toFixed(9), area?.toFixed(9));
    assertEquals(pixelSpacing?.from, from as never);
  }
});

Deno.test("describeMask() names the patient's side", async () => {
  const cases: [orientation: string | undefined, side: string, from: string][] = [
    [undefined, "right", "assumed"],
    ["L\\F", "right", "PatientOrientation"],
    ["R\\F", "left", "PatientOrientation"],
    ["RA\\F", "left", "PatientOrientation"],
    ["LPF\\FA", "right", "PatientOrientation"],
    ["A\\F", "right", "assumed"],
    ["AR\\F", "right", "assumed"],
    ["", "right", "assumed"],
  ];
  for (const [orientation, side, from] of cases) {
    const file = film(orientation === undefined ? {} : { x00200020: orientation });
    const found = await described(maskOf("small"), file);
    assertEquals([found.side, found.sideFrom], [side, from] as never, orientation);
  }
});

Deno.test("describeMask() averages probabilities within the mask", async () => {
  const { confidence, highestProbability } = await described(maskOf("large"));
  assertEquals([confidence, highestProbability], [0.75, 0.75]);
});

Deno.test("describeMask() says of an empty mask that nothing was found", async () => {
  const found = await described(maskOf(), film({ x00280030: "0.5\\0.25" }));
  assertEquals(found, {
    positive: false,
    areaPixels: 0,
    areaMm2: 0,
    pixelSpacing: { row: 0.5, column: 0.25, from: "PixelSpacing" },
    side: null,
    sideFrom: "assumed",
    confidence: null,
    highestProbability: 0.25,
    regions: [],
  });
});
