import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { ExperimentError, loadExperiment, loadStage } from "@/experiments/mod.ts";

/** Calls a test with the variable that names the chain set, or unset. */
async function withChain(chain: string | undefined, test: () => Promise<void>): Promise<void> {
  const before = Deno.env.get("PNEUMOTHORAX_CHAIN");
  const set = (value: string | undefined) =>
    value === undefined
      ? Deno.env.delete("PNEUMOTHORAX_CHAIN")
      : Deno.env.set("PNEUMOTHORAX_CHAIN", value);
  set(chain);
  await test().finally(() => set(before));
}

Deno.test("loadStage() loads the stages of both chains, each from the one before", async () => {
  for (const [variable, chain] of [[undefined, "phantom"], ["", "phantom"], ["siim", "siim"]]) {
    await withChain(variable, async () => {
      let parent: string | undefined;
      for (let number = 1; number <= 5; number++) {
        const stage = await loadStage(number);
        assertEquals(stage.name.startsWith(`${chain}/${number}-`), true, stage.name);
        assertEquals(stage.parent, parent);
        parent = stage.name;
      }
    });
  }
});

Deno.test("loadStage() hands its options on", () =>
  withChain(undefined, async () => {
    const options = { quick: true, overrides: ["training.batch=3"] };
    assertEquals(await loadStage(2, options), await loadExperiment("phantom/2-192", options));
  }));

Deno.test("loadStage() refuses a stage that is not there, or not the only one", async () => {
  await withChain(undefined, async () => {
    const message = "there is no experiments/phantom/6-*.yaml; see PNEUMOTHORAX_CHAIN";
    await assertRejects(() => loadStage(6), ExperimentError, message);
  });
  await withChain("simm", async () => {
    const message = "there is no experiments/simm/1-*.yaml; see PNEUMOTHORAX_CHAIN";
    await assertRejects(() => loadStage(1), ExperimentError, message);
  });
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(folder, "two"));
    for (const name of ["1-a", "1-b", "10-c"]) {
      await Deno.writeTextFile(join(folder, "two", `${name}.yaml`), "");
    }
    await withChain("two", async () => {
      const { problems } = await assertRejects(() => loadStage(1, { folder }), ExperimentError);
      assertEquals(problems.map(({ message }) => message), ["there are several: two/1-a, two/1-b"]);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
