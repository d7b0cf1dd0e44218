import { assert, assertEquals, assertRejects } from "@std/assert";
import { PretrainedError } from "@/pretrained/mod.ts";
import { readKerasFile } from "@/pretrained/keras_file.ts";
import { kerasFiles } from "./keras_files.ts";
import { mutate } from "./mutate.ts";
import { runInput } from "./run_input.ts";
import { expect, type Target } from "./target.ts";
import { makeTargets } from "./targets.ts";

const SEED = 2;
/** Inputs of each parser; `deno task fuzz` runs as many as there is time for. */
const COUNTS: Record<string, number> = {
  dicom: 600,
  png: 300,
  csv: 500,
  rle: 1000,
  yaml: 150,
  safetensors: 500,
  checkpoint: 200,
  record: 60,
  manifest: 300,
};

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

for (const target of await makeTargets(folder)) {
  const count = COUNTS[target.name];
  if (count === undefined) continue; // in a process of its own, below
  Deno.test(`every damaged ${target.name} is read correctly or refused (${count})`, async () => {
    const verdicts = { read: 0, refused: 0 };
    for (let index = 0; index < count; index++) {
      const verdict = await runInput(target, SEED, index);
      if (verdict.kind === "find") throw new Error(`input ${index}: ${verdict.what}`);
      verdicts[verdict.kind]++;
    }
    assert(verdicts.read > 0 && verdicts.refused > 0, JSON.stringify(verdicts));
  });
}

Deno.test("readKerasFile() refuses a file on which the HDF5 library never ends", async () => {
  const { bytes } = mutate(await kerasFiles(), 1, 189); // the fuzzer's find
  const read = () => readKerasFile(bytes, "weights.h5", { longestMs: 3000 });
  await assertRejects(read, PretrainedError, "it is damaged: reading it does not end");
});

Deno.test("mutate() changes inputs, the same way for the same numbers, and not the seeds", () => {
  const seeds = [new Uint8Array(100).fill(65), new Uint8Array(50).fill(66)];
  const outcomes = new Set<string>();
  for (let index = 0; index < 200; index++) {
    const { bytes, source } = mutate(seeds, SEED, index);
    assertEquals(mutate(seeds, SEED, index), { bytes, source });
    outcomes.add(bytes.join());
  }
  assert(outcomes.size > 180, `${outcomes.size} different ones`);
  assert(seeds[0]!.every((byte) => byte === 65) && seeds[1]!.every((byte) => byte === 66));
});

Deno.test("runInput() finds wrong results and undocumented errors", async () => {
  const target = (read: Target["read"]): Target => ({
    name: "test",
    seeds: [new Uint8Array(9)],
    read,
    isRefusal: (error) => error instanceof SyntaxError,
  });
  const kindOf = async (read: Target["read"]) => (await runInput(target(read), 1, 1)).kind;
  assertEquals(await kindOf(() => {}), "read");
  assertEquals(await kindOf(() => Promise.reject(new SyntaxError("documented"))), "refused");
  assertEquals(await kindOf(() => Promise.reject(new TypeError("not documented"))), "find");
  assertEquals(await kindOf(() => Promise.reject("a text")), "find");
  assertEquals(await kindOf(() => expect(false, "an empty mask")), "find");
});
