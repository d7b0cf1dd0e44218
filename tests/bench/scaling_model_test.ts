import { assertAlmostEquals, assertEquals } from "@std/assert";
import { efficiency, fitCosts, LOOPBACK, reduceTime } from "./scaling_model.ts";

const FREE = { packs: 1, hop: 0, perByte: 0 };

Deno.test("reduceTime() is the ring's bandwidth bound, worked by hand", () => {
  // 4 workers send 2 * 3 / 4 of 100 MB over 1 Gbit/s: 150 MB, 1.2 s
  const time = reduceTime(4, { ...FREE, bytes: 100e6 }, { mbit: 1000, latency: 0 });
  assertAlmostEquals(time, 1200, 1e-9);
  // of one worker, nothing
  assertEquals(reduceTime(1, { ...FREE, bytes: 100e6 }, { mbit: 1000, latency: 1 }), 0);
});

Deno.test("reduceTime() counts the latency of 2 (n - 1) messages a pack", () => {
  const costs = { bytes: 0, packs: 3, hop: 0.5, perByte: 0 };
  assertAlmostEquals(reduceTime(8, costs, { mbit: 1000, latency: 0.1 }), 3 * 14 * 0.6, 1e-9);
});

Deno.test("fitCosts() gives back what it was fitted to", () => {
  const costs = fitCosts({ bytes: 45e6, packs: 3, reduce: 120, smallest: 1 });
  assertAlmostEquals(reduceTime(2, costs, LOOPBACK), 120, 1e-9);
  assertAlmostEquals(reduceTime(2, { ...costs, bytes: 0, packs: 1 }, LOOPBACK), 1, 1e-9);
});

Deno.test("efficiency() is one half where a reduction takes as long as the work", () => {
  const costs = { ...FREE, bytes: 125e6 };
  assertAlmostEquals(efficiency(2, 1000, costs, { mbit: 1000, latency: 0 }), 0.5, 1e-12);
});
