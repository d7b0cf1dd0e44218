import { assertEquals, assertThrows } from "@std/assert";
import { chosenDevice, usesGpu } from "@/tensorflow/device.ts";
import { type Device, jit, listDevices, tf } from "@/tensorflow/mod.ts";
import { assertClose } from "./assert_close.ts";

const CPU: Device = { type: "CPU", name: "/job:localhost/replica:0/task:0/device:CPU:0" };
const GPU: Device = { type: "GPU", name: "/job:localhost/replica:0/task:0/device:GPU:0" };

Deno.test("chosenDevice() names the CPU, and leaves the rest to TensorFlow", () => {
  assertEquals(chosenDevice("cpu", [CPU, GPU]), CPU.name);
  assertEquals(chosenDevice("cpu", [CPU]), CPU.name);
  for (const devices of [[CPU], [CPU, GPU]]) {
    assertEquals(chosenDevice("auto", devices), undefined);
    assertEquals(chosenDevice(undefined, devices), undefined);
  }
  assertEquals(chosenDevice("gpu", [CPU, GPU]), undefined);
});

Deno.test("chosenDevice() refuses a GPU where there is none", () => {
  assertThrows(
    () => chosenDevice("gpu", [CPU]),
    RangeError,
    "Cannot compute on a GPU as TensorFlow has found none: CPU",
  );
});

Deno.test("usesGpu() is true where there is a GPU and it is not left aside", () => {
  const cases = [
    ["auto", [CPU], false],
    ["auto", [CPU, GPU], true],
    ["gpu", [CPU, GPU], true],
    ["cpu", [CPU, GPU], false],
  ] as const;
  for (const [choice, devices, expected] of cases) {
    assertEquals(usesGpu(choice, devices), expected, `${choice}, ${devices.length} devices`);
  }
});

Deno.test("jit() runs on the CPU when it is asked to", async () => {
  assertEquals(listDevices()[0]?.type, "CPU");
  const twice = jit((x: tf.Tensor) => tf.mul(x, 2), { device: "cpu" });
  const x = tf.tensor1d([1, 2]);
  const results = [twice(x), await twice.async(x)];
  for (const result of results) assertClose(result, [2, 4]);
  tf.dispose([x, results]);
  twice.dispose();
});

Deno.test({
  name: "jit() refuses a GPU where there is none, when it is made",
  ignore: listDevices().some(({ type }) => type === "GPU"),
  fn() {
    assertThrows(
      () => jit((x: tf.Tensor) => tf.neg(x), { device: "gpu" }),
      RangeError,
      "none: CPU",
    );
  },
});
