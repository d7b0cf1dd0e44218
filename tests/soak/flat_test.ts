import { assertEquals, assertThrows } from "@std/assert";
import { notFlat, type Sample } from "./flat.ts";

/** Twenty samples, each from its number. */
function samples(of: (i: number) => Partial<Sample>): Sample[] {
  const same = { memory: 500, heap: 50, handles: 30, threads: 9, tensors: 120 };
  return Array.from({ length: 20 }, (_, i) => ({ step: 500 * (i + 1), ...same, ...of(i) }));
}

const cases: [what: string, samples: Sample[], lines: string[]][] = [
  ["nothing that stays", samples(() => ({})), []],
  [
    "what grows at the start",
    samples((i) => ({ memory: i < 3 ? 100 : 500, tensors: i < 3 ? 9 : 120 })),
    [],
  ],
  [
    "what goes up and down",
    samples((i) => ({ memory: 500 + 100 * (i % 2), handles: 30 + i % 2 })),
    [],
  ],
  ["a tensor left behind", samples((i) => ({ tensors: i < 19 ? 120 : 121 })), [
    "tensors: 120, at the end 121",
  ]],
  ["a file left open now and then", samples((i) => ({ handles: 30 + (i >> 3) })), [
    "handles: 30, at the end 32",
  ]],
  ["a thread", samples((i) => ({ threads: i < 18 ? 9 : 10 })), ["threads: 9, at the end 10"]],
  [
    "memory",
    samples((i) => ({ memory: 500 + 10 * i })),
    ["memory: 550 MiB, at the end 670 MiB (21.8 % more)"],
  ],
];
for (const [what, list, lines] of cases) {
  Deno.test(`notFlat() tells ${what}`, () => assertEquals(notFlat(list, 0.1), lines));
}

Deno.test("notFlat() refuses too few samples, and takes another share", () => {
  const growing = samples((i) => ({ memory: 500 + 10 * i }));
  assertEquals(notFlat(growing, 0.25), []);
  assertThrows(() => notFlat(growing.slice(0, 5), 0.1), RangeError, "too few samples: 5");
  assertThrows(() => notFlat([], 0.1), RangeError, "too few samples: 0");
});
