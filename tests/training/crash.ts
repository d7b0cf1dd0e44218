/** Makes the file system fail at a chosen operation, as a crash or a full disk would. */
import { assertEquals } from "@std/assert";
import type { Run } from "@/experiments/mod.ts";
import { Random } from "@/random/mod.ts";

/** Whether every way to crash is tried, which takes about half an hour, instead of a sample. */
export const TRY_ALL = Deno.env.get("ALL_CRASHES") === "1";

/** All of the cases with `ALL_CRASHES=1`, else so many of them, by chance but always the same. */
export function sampleOf<T>(cases: readonly T[], count: number, name: string): T[] {
  return TRY_ALL ? [...cases] : new Random(1, name).shuffle([...cases]).slice(0, count);
}

/** Two runs came to the same metrics and to the same weights, bit for bit. */
export function assertSameOutcome(run: Run, expected: Run): void {
  const metrics = (run: Run) => run.metrics.map(({ seconds: _, ...values }) => values);
  assertEquals(run.status, "finished");
  assertEquals(metrics(run), metrics(expected));
  assertEquals(run.checkpoints, expected.checkpoints);
}

/** Operations that change what is on the disk. */
const CHANGES = ["open", "rename", "remove", "mkdir", "writeFile", "writeTextFile"] as const;

/** What {@linkcode withFailingDisk} found. */
export interface DiskUse {
  /** Operations that were asked for, the failing one among them. */
  operations: number;
}

/** How the operation fails. */
export type Failure =
  /** It and all after it: nothing more of the process gets to the disk. */
  | "crash"
  /** It alone, as there is no space left. */
  | "full";

/**
 * Runs something while the file system fails at operation `at`, counted from 1 (0: never). A write that
 * fails has written half of its bytes.
 */
export async function withFailingDisk(
  { at, failure }: { at: number; failure: Failure },
  run: () => Promise<unknown>,
): Promise<DiskUse> {
  const use = { operations: 0 };
  const fails = () => {
    use.operations++;
    return failure === "crash" ? at > 0 && use.operations >= at : use.operations === at;
  };
  const fault = () =>
    Object.assign(new Error(failure === "crash" ? "crashed" : "No space left on device"), {
      code: failure === "crash" ? "ECRASH" : "ENOSPC",
    });
  const namespace = Deno as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const originals = CHANGES.map((name) => [name, namespace[name]!] as const);
  for (const [name, original] of originals) {
    namespace[name] = (...args) => fails() ? Promise.reject(fault()) : original(...args);
  }
  const { write, sync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.write = async function (bytes) {
    if (!fails()) return await write.call(this, bytes);
    await write.call(this, bytes.subarray(0, bytes.length >> 1));
    throw fault();
  };
  Deno.FsFile.prototype.sync = async function () {
    if (fails()) throw fault();
    await sync.call(this);
  };
  try {
    await run();
  } finally {
    for (const [name, original] of originals) namespace[name] = original;
    Object.assign(Deno.FsFile.prototype, { write, sync });
  }
  return use;
}
