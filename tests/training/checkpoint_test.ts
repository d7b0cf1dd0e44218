import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "node:path";
import { encodeSafetensors, sha256, sha256File } from "@/files/mod.ts";
import { tf } from "@/tensorflow/mod.ts";
import { assignGroup, CheckpointError, readCheckpoint, writeCheckpoint } from "@/training/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";

type Values = Record<string, { shape: number[]; values: number[] }>;

function variables(values: Values): Map<string, tf.Variable> {
  return new Map(
    Object.entries(values).map(([name, { shape, values }]) => {
      return [name, tf.tidy(() => tf.variable(tf.tensor(values, shape), false))];
    }),
  );
}

function free(variables: ReadonlyMap<string, tf.Variable>): void {
  for (const variable of variables.values()) variable.dispose();
}

const KERNEL = { shape: [2, 3], values: [1, -0, 1e-40, 3.5e38, -Infinity, NaN] };
const WEIGHTS: Values = {
  "block1/kernel": KERNEL,
  "count": { shape: [], values: [7] },
  "ünicode name": { shape: [1, 0], values: [] },
};

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await test(folder).finally(() => Deno.remove(folder, { recursive: true }));
}

Deno.test("readCheckpoint() gives back what writeCheckpoint() wrote, bit for bit", async () => {
  await withFolder(async (folder) => {
    const before = memory();
    const weights = variables(WEIGHTS);
    const slots = variables({ "weights/kernel": { shape: [2], values: [1, 2] } });
    const state = { epoch: 3, lossSum: 0.1 + 0.2, best: { loss: null }, text: 'é"' };
    const written = await writeCheckpoint(folder, "last.safetensors", { weights, slots }, state);
    assertEquals(written.file, "last.safetensors");
    assertEquals(written.sha256, await sha256File(join(folder, "last.safetensors")));

    const read = await readCheckpoint(folder, written);
    assertEquals(read.state, state);
    // A group of another one's name: only the first part of a tensor's name is the group.
    assertEquals([...read.group("weights").keys()], [...weights.keys()]);
    assertEquals([...read.group("slots").keys()], ["weights/kernel"]);
    assertEquals(read.group("weigh").size, 0);
    const restored = variables({
      "block1/kernel": { shape: [2, 3], values: [0, 0, 0, 0, 0, 0] },
      "count": { shape: [], values: [0] },
      "ünicode name": { shape: [1, 0], values: [] },
    });
    assignGroup(restored, read.group("weights"), "weights");
    for (const [name, variable] of weights) {
      const bits = (values: tf.Variable) => new Int32Array(values.dataSync().slice().buffer);
      assertEquals(bits(restored.get(name)!), bits(variable), name);
    }
    for (const group of [weights, slots, restored]) free(group);
    assertEquals(memory(), before);
  });
});

Deno.test("readCheckpoint() refuses a missing file", async () => {
  await withFolder(async (folder) => {
    const missing = { file: "gone.safetensors", sha256: "0".repeat(64) };
    const error = await assertRejects(
      () => readCheckpoint(folder, missing),
      CheckpointError,
      `Cannot use the checkpoint ${join(folder, "gone.safetensors")} as it cannot be read`,
    );
    assert(error.cause instanceof Deno.errors.NotFound);
  });
});

Deno.test("readCheckpoint() refuses a file with any flipped byte, cut short, or another one's", async () => {
  await withFolder(async (folder) => {
    const weights = variables({ kernel: { shape: [3], values: [1, 2, 3] } });
    const written = await writeCheckpoint(folder, "a.safetensors", { weights }, { epoch: 1 });
    const other = await writeCheckpoint(folder, "b.safetensors", { weights }, { epoch: 2 });
    const path = join(folder, "a.safetensors");
    const bytes = await Deno.readFile(path);
    const damaged = Array.from(bytes, (_, i) => bytes.with(i, bytes[i]! ^ 1));
    for (const content of [...damaged, bytes.subarray(0, -1), new Uint8Array()]) {
      await Deno.writeFile(path, content);
      const error = await assertRejects(() => readCheckpoint(folder, written), CheckpointError);
      assertStringIncludes(error.message, `instead of ${written.sha256}`);
    }
    await assertRejects(
      () => readCheckpoint(folder, { ...other, sha256: written.sha256 }),
      CheckpointError,
      "its SHA-256 is not the one in the run's record",
    );
    free(weights);
  });
});

Deno.test("readCheckpoint() refuses what is damaged although it has the record's hash", async () => {
  const good = { tensors: new Map(), metadata: { state: "{}" } };
  const cases: [bytes: Uint8Array, reason: string][] = [
    [encodeSafetensors(good).subarray(1), "its header does not lie in the file"],
    [encodeSafetensors({ ...good, metadata: { state: "{" } }), "JSON"],
  ];
  await withFolder(async (folder) => {
    for (const [bytes, reason] of cases) {
      await Deno.writeFile(join(folder, "a.safetensors"), bytes);
      const written = { file: "a.safetensors", sha256: sha256(bytes) };
      const read = () => readCheckpoint(folder, written);
      const error = await assertRejects(read, CheckpointError, "it is damaged, and was when");
      assertStringIncludes(error.message, reason);
    }
  });
});

Deno.test("writeCheckpoint() leaves the old file whole when it cannot write, and nothing else", async () => {
  await withFolder(async (folder) => {
    const weights = variables({ kernel: { shape: [1], values: [1] } });
    const written = await writeCheckpoint(folder, "a.safetensors", { weights }, null);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.safetensors"]);
    // A folder of that name cannot be replaced by a file.
    await Deno.mkdir(join(folder, "b.safetensors"));
    await assertRejects(() => writeCheckpoint(folder, "b.safetensors", { weights }, null));
    assertEquals(
      [...Deno.readDirSync(folder)].map(({ name }) => name).sort(),
      ["a.safetensors", "b.safetensors"],
    );
    await readCheckpoint(folder, written);
    free(weights);
  });
});

Deno.test("assignGroup() refuses other names and shapes, and changes nothing then", () => {
  const stored = (values: Values) =>
    new Map(
      Object.entries(values).map(([name, { shape, values }]) => {
        return [name, { shape, data: new Float32Array(values) }];
      }),
    );
  const one = { shape: [1], values: [1] };
  const cases: [Values, string][] = [
    [{ a: one }, "b does not fit: [nothing] in the checkpoint, [1] in this run"],
    [{ a: one, b: one, c: one }, "c does not fit: [1] in the checkpoint, [nothing] in this run"],
    [{ a: one, b: { shape: [1, 1], values: [1] } }, "b does not fit: [1,1] in the checkpoint, [1]"],
    [
      { a: one, b: { shape: [], values: [1] } },
      "b does not fit: [] in the checkpoint, [1] in this",
    ],
    [{}, "a does not fit: [nothing] in the checkpoint"],
  ];
  const group = variables({ a: { shape: [1], values: [5] }, b: { shape: [1], values: [6] } });
  for (const [values, message] of cases) {
    const error = assertThrows(
      () => assignGroup(group, stored(values), "optimizer"),
      CheckpointError,
      "Cannot restore the optimizer as",
    );
    assertStringIncludes(error.message, message);
    assertEquals([...group.values()].map((variable) => variable.dataSync()[0]), [5, 6]);
  }
  free(group);
});
