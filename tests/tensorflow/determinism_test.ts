import { assertEquals, assertThrows } from "@std/assert";
import { rawOp, TensorFlowError, tf } from "@/tensorflow/mod.ts";
import { preferDeterminism } from "@/tensorflow/determinism.ts";

const cpu = { type: "CPU", name: "/device:CPU:0" }, gpu = { type: "GPU", name: "/device:GPU:0" };

Deno.test("preferDeterminism() sets the variable where there is no GPU and nobody else has", () => {
  const cases: [before: [string, string][], devices: typeof cpu[], after: string | undefined][] = [
    [[], [cpu], "1"],
    [[], [cpu, gpu], undefined],
    [[["TF_DETERMINISTIC_OPS", "0"]], [cpu], "0"],
    [[["TF_DETERMINISTIC_OPS", "1"]], [cpu, gpu], "1"],
  ];
  for (const [before, devices, after] of cases) {
    const environment = new Map(before);
    preferDeterminism(devices, environment as unknown as Deno.Env);
    assertEquals(environment.get("TF_DETERMINISTIC_OPS"), after);
  }
});

Deno.test({
  // A random operation without a seed is refused by TensorFlow itself then, and only then.
  name: "TensorFlow runs with deterministic operations on a CPU",
  ignore: Deno.env.has("TF_DETERMINISTIC_OPS") && Deno.env.get("TF_DETERMINISTIC_OPS") !== "1",
  fn: () => {
    const shape = tf.tensor1d([2], "int32");
    const draw = () =>
      rawOp("RandomUniform", [shape], {
        T: { type: "int32" },
        dtype: { type: "float32" },
        seed: { int: 0 },
        seed2: { int: 0 },
      });
    assertThrows(draw, TensorFlowError, "seed");
    shape.dispose();
  },
});
