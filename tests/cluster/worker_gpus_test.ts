import { assertEquals } from "@std/assert";
import { visibleGpus, workerGpus } from "@/cluster/worker_gpus.ts";

const UUID = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6";

const TABLE: [count: number, visible: string | null, gpus: string[]][] = [
  [0, null, []],
  [0, "0,1", []], // no driver: the variable alone makes no GPU
  [1, null, ["0"]],
  [3, null, ["0", "1", "2"]],
  [3, "", []],
  [3, "-1", []],
  [3, "2,0", ["2", "0"]],
  [3, " 1 , 2 ", ["1", "2"]],
  [3, "0,-1,1", ["0"]],
  [3, "0,3,1", ["0"]],
  [3, "0,,1", ["0"]],
  [3, "0,x", ["0"]],
  [3, "NoDevFiles", []],
  [3, `${UUID},1`, [UUID, "1"]],
  [3, "MIG-GPU-8932f937/1/0", ["MIG-GPU-8932f937/1/0"]],
];

Deno.test("visibleGpus() takes those that CUDA_VISIBLE_DEVICES names before the first that is none", () => {
  for (const [count, visible, gpus] of TABLE) {
    assertEquals(visibleGpus(count, visible), gpus, `${visible} of ${count}`);
  }
});

Deno.test("workerGpus() gives none that TensorFlow cannot use, and asks it only where there is one", async () => {
  for (const [count, visible, gpus] of TABLE) {
    for (const uses of [true, false]) {
      let asked = 0;
      const usesGpu = () => Promise.resolve(++asked > 0 && uses);
      const found = await workerGpus({ count, visible, usesGpu });
      assertEquals(found, uses ? gpus : [], `${visible} of ${count}, used: ${uses}`);
      assertEquals(asked, gpus.length > 0 ? 1 : 0);
    }
  }
});
