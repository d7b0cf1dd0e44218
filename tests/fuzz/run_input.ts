import { mutate } from "./mutate.ts";
import type { Target } from "./target.ts";

/** What became of a damaged input: read correctly, refused as documented, or neither. */
export type Verdict = { kind: "read" | "refused" } | { kind: "find"; what: string };

/** Gives one damaged input to its parser. */
export async function runInput(target: Target, seed: number, index: number): Promise<Verdict> {
  const { bytes, source } = mutate(target.seeds, seed, index);
  try {
    await target.read(bytes, source);
    return { kind: "read" };
  } catch (error) {
    if (target.isRefusal(error)) return { kind: "refused" };
    const what = error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : error;
    return { kind: "find", what: String(what).slice(0, 2000) };
  }
}
