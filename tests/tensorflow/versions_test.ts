import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { OLDEST_FOLDER } from "../../src/cli/setup_oldest.ts";
import { assertClose } from "./assert_close.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

interface Report {
  version: string;
  numbers: Record<string, number[]>;
}

/** Runs versions_program.ts in a process of its own, on a certain library if one is named. */
async function report(library?: string): Promise<Report> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "tests/tensorflow/versions_program.ts"],
    cwd: PROJECT,
    env: { NO_COLOR: "1", ...(library && { PNEUMOTHORAX_TENSORFLOW: library }) },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(success, text(stderr));
  return JSON.parse(text(stdout));
}

const isThere = await Deno.stat(OLDEST_FOLDER).then(() => true, () => false);

Deno.test({
  name: isThere
    ? "the project computes the same on the oldest TensorFlow that it supports"
    : 'the oldest TensorFlow is not there: run "deno task setup-oldest" for this test',
  ignore: !isThere,
  async fn() {
    const [oldest, own] = await Promise.all([report(OLDEST_FOLDER), report()]);
    assert(oldest.version.startsWith("2.16."), oldest.version);
    assertNotEquals(own.version, oldest.version);
    assertEquals(Object.keys(oldest.numbers), Object.keys(own.numbers));
    for (const [name, values] of Object.entries(own.numbers)) {
      assert(values.length > 0 && values.every(Number.isFinite), name);
      // Kernels of other versions add up in another order, and bfloat16 has 8 binary digits.
      const tolerance = name.includes("bfloat16") ? 2e-2 : 1e-4;
      assertClose(oldest.numbers[name]!, values, tolerance, name);
    }
  },
});
