import { assertEquals, assertThrows } from "@std/assert";
import { threadLimit, workerCount } from "@/data/worker_count.ts";

const COUNTS: [films: number, wanted: number | undefined, cores: number, limit: number, number][] =
  [
    // What is asked for, but never more than films.
    [100, 0, 8, Infinity, 0],
    [100, 1, 8, Infinity, 1],
    [100, 20, 8, 2, 20],
    [3, 20, 8, Infinity, 3],
    [0, 4, 8, Infinity, 0],
    // 24 films are worth a worker; one alone would do no more than this thread.
    [0, undefined, 8, Infinity, 0],
    [24, undefined, 8, Infinity, 0],
    [47, undefined, 8, Infinity, 0],
    [48, undefined, 8, Infinity, 2],
    [100, undefined, 8, Infinity, 4],
    // One a core, eight at most.
    [10_000, undefined, 1, Infinity, 0],
    [10_000, undefined, 2, Infinity, 2],
    [10_000, undefined, 64, Infinity, 8],
    [10_000, undefined, 64, 3, 3],
    [10_000, undefined, 64, 1, 0],
  ];

Deno.test("workerCount() takes a worker a core, and none for few films", () => {
  for (const [films, wanted, cores, limit, count] of COUNTS) {
    const what = `${films} films, ${wanted} wanted, ${cores} cores, ${limit} threads`;
    assertEquals(workerCount(films, wanted, cores, limit), count, what);
  }
});

Deno.test("threadLimit() takes a positive whole number, and refuses all else", () => {
  assertEquals(["", "1", "12"].map(threadLimit), [Infinity, 1, 12]);
  for (const text of ["0", "-2", "1.5", "many", "1e3", " 2"]) {
    assertThrows(() => threadLimit(text), RangeError, `positive whole number: ${text}`);
  }
});
