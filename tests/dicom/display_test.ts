import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type DisplayOptions, parseAge, type Samples, toDisplay } from "@/dicom/mod.ts";

const plain: DisplayOptions = {
  rescale: { slope: 1, intercept: 0 },
  window: undefined,
  inverted: false,
};

// Worked by hand from PS3.3, C.11.2.1.2.1. First row: center 40, width 400, so the ramp goes from
// 39.5 - 199.5 = -160 to 39.5 + 199.5 = 239, and y = ((x - 39.5) / 399 + 0.5) * 255.
// -160 -> 0; -159 -> 0.64; 0 -> 102.26; 39 -> 127.18; 40 -> 127.82; 239 -> 255; 240 -> 255.
const cases: [name: string, Samples, Partial<DisplayOptions>, number[]][] = [
  [
    "a window",
    Int16Array.of(-2000, -160, -159, 0, 39, 40, 239, 240),
    { window: { center: 40, width: 400 } },
    [0, 0, 1, 102, 127, 128, 255, 255],
  ],
  [
    // Stored 50 is 2 * 50 - 60 = 40.
    "rescale before the window",
    Int16Array.of(50, 30, -50),
    { rescale: { slope: 2, intercept: -60 }, window: { center: 40, width: 400 } },
    [128, 102, 0],
  ],
  [
    "inversion last",
    Int16Array.of(-2000, 0, 40, 240),
    { window: { center: 40, width: 400 }, inverted: true },
    [255, 153, 127, 0],
  ],
  [
    // Width 1 is a threshold at center - 0.5.
    "a window of width 1",
    Uint16Array.of(8, 9, 10, 11),
    { window: { center: 10, width: 1 } },
    [0, 0, 255, 255],
  ],
  [
    // From 10 - 8 / 2 = 6 to 14: y = ((x - 10) / 8 + 0.5) * 255.
    "a linear_exact window",
    Uint16Array.of(5, 6, 8, 10, 14, 15),
    { window: { center: 10, width: 8, shape: "linear_exact" } },
    [0, 0, 64, 128, 255, 255],
  ],
  [
    // y = 255 / (1 + exp(-4 (x - 10) / 8)): x = 8 gives 255 / (1 + e) = 68.6.
    "a sigmoid window",
    Uint16Array.of(0, 8, 10, 12, 100),
    { window: { center: 10, width: 8, shape: "sigmoid" } },
    [2, 69, 128, 186, 255],
  ],
  [
    // Values before the first entry get it, those behind the last get that; 15 is white.
    "a VOI table of 4 bits",
    Uint16Array.of(9, 10, 11, 12, 13),
    { voiTable: { first: 10, entries: Uint16Array.of(0, 5, 15), bits: 4 } },
    [0, 0, 85, 255, 255],
  ],
  [
    "a Modality table, then everything from lowest to highest",
    Uint8Array.of(0, 1, 2),
    { modalityTable: { first: 0, entries: Uint16Array.of(100, 400, 200), bits: 16 } },
    [0, 255, 85],
  ],
  [
    "padding black and left out of the lowest value",
    Int16Array.of(-2000, -1990, 100, 150, 200),
    { padding: { lowest: -2000, highest: -1990 } },
    [0, 0, 0, 128, 255],
  ],
  [
    "padding black when inverted",
    Uint8Array.of(0, 7, 255),
    { padding: { lowest: 0, highest: 0 }, inverted: true },
    [0, 248, 0],
  ],
  ["nothing but padding", Uint16Array.of(5, 5), { padding: { lowest: 5, highest: 5 } }, [0, 0]],
  ["8 bits as they are", Uint8Array.of(3, 7, 200), {}, [3, 7, 200]],
  ["8 bits inverted", Uint8Array.of(0, 7, 255), { inverted: true }, [255, 248, 0]],
  ["16 bits from lowest to highest", Uint16Array.of(100, 200, 300, 600), {}, [0, 51, 102, 255]],
  ["signed 8 bits from lowest to highest", Int8Array.of(-100, 0, 100), {}, [0, 128, 255]],
  [
    "a falling slope",
    Uint16Array.of(100, 600),
    { rescale: { slope: -1, intercept: 0 } },
    [255, 0],
  ],
  ["a constant image", Uint16Array.of(5, 5), {}, [0, 0]],
];

for (const [name, samples, options, expected] of cases) {
  Deno.test(`toDisplay() shows ${name}`, () => {
    const before = samples.slice();
    assertEquals([...toDisplay(samples, { ...plain, ...options })], expected);
    assertEquals(samples, before);
  });
}

Deno.test("toDisplay() refuses a window that the standard forbids", () => {
  for (const width of [0.5, 0, -10, NaN]) {
    assertThrows(
      () => toDisplay(Uint8Array.of(1), { ...plain, window: { center: 0, width } }),
      RangeError,
      "its width must be at least 1",
    );
    if (width > 0) continue;
    for (const shape of ["linear_exact", "sigmoid"] as const) {
      assertThrows(
        () => toDisplay(Uint8Array.of(1), { ...plain, window: { center: 0, width, shape } }),
        RangeError,
        "its width must be above 0",
      );
    }
  }
});

Deno.test("parseAge() takes conforming ages, bare years, and nothing senseless", () => {
  const ages: [string | undefined, number | undefined][] = [
    ["062Y", 62],
    ["62", 62],
    ["110", 110],
    ["008M", 8 / 12],
    ["026W", (26 * 7) / 365.25],
    ["000D", 0],
    [" 45 ", 45],
    ["111", undefined],
    ["155", undefined],
    ["155M", 155 / 12],
    ["-5", undefined],
    ["6.5", undefined],
    ["62y", undefined],
    ["1234", undefined],
    ["old", undefined],
    ["", undefined],
    [undefined, undefined],
  ];
  for (const [text, age] of ages) {
    const parsed = parseAge(text);
    if (age === undefined) assertEquals(parsed, undefined, text);
    else assertAlmostEquals(parsed ?? NaN, age, 1e-12, text);
  }
});
