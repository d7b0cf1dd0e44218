import { assertEquals } from "@std/assert";
import { compareRuns, compareSurroundings, type Run } from "@/experiments/mod.ts";

const A_RUN = {
  metrics: [{ epoch: 1, loss: 0.5, seconds: 3 }, { epoch: 2, loss: NaN, seconds: 3 }],
  checkpoints: { last: { file: "last.safetensors", sha256: "aa", epoch: 2, value: null } },
  git: { commit: "c1", dirty: false },
  versions: { tensorflow: "2.21.0", deno: "2.9.6" },
  device: { platform: "linux x86_64", cpu: "one", cores: 2, memory: 8, gpu: null },
  environment: { PNEUMOTHORAX_THREADS: "1" },
} as unknown as Run;

Deno.test("compareRuns() takes no notice of seconds, and names what differs", () => {
  const same = { ...A_RUN, metrics: A_RUN.metrics.map((epoch) => ({ ...epoch, seconds: 4 })) };
  assertEquals(compareRuns(A_RUN, same), []);
  const other = {
    ...A_RUN,
    metrics: [{ epoch: 1, loss: 0.25, dice: 1 }],
    checkpoints: { final: { file: "final.safetensors", sha256: "bb", epoch: 2, value: null } },
  };
  assertEquals(compareRuns(A_RUN, other), [
    "number of epochs: 2, now 1",
    "epoch 1, loss: 0.5, now 0.25",
    "epoch 1, dice: nothing, now 1",
    "checkpoint last, SHA-256: aa, now nothing",
    "checkpoint final, SHA-256: nothing, now bb",
  ]);
});

Deno.test("compareSurroundings() names code, versions, machine and variables that changed", () => {
  assertEquals(compareSurroundings(A_RUN, A_RUN), []);
  const other = {
    ...A_RUN,
    git: { commit: "c2", dirty: false },
    versions: { tensorflow: "2.16.2", deno: "2.9.6" },
    device: { ...A_RUN.device, cores: 16 },
    environment: {},
  };
  assertEquals(compareSurroundings(A_RUN, other), [
    "git commit: c1, now c2",
    "version of tensorflow: 2.21.0, now 2.16.2",
    "device, cores: 2, now 16",
    "variable PNEUMOTHORAX_THREADS: 1, now unknown",
  ]);
  assertEquals(compareSurroundings({ ...A_RUN, git: { commit: "c1", dirty: true } }, A_RUN), [
    "git: files differed from the commit, which cannot be had back",
  ]);
});
