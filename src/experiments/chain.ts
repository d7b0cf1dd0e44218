import { listExperiments, loadExperiment, type LoadOptions } from "./load.ts";
import { ExperimentError } from "./problems.ts";
import type { Experiment } from "./schema.ts";

/** Names the chain of experiments that the notebooks train, a folder of `experiments/`. */
const CHAIN_VARIABLE = "PNEUMOTHORAX_CHAIN";

/**
 * Loads one stage of the chain that the notebooks train: `phantom`, unless the environment variable
 * `PNEUMOTHORAX_CHAIN` names another one, such as `siim`.
 *
 * @param number From 1: stage 2 of `phantom` is `experiments/phantom/2-192.yaml`.
 * @throws {ExperimentError} If there is no such stage, or not exactly one.
 */
export async function loadStage(number: number, options: LoadOptions = {}): Promise<Experiment> {
  const chain = Deno.env.get(CHAIN_VARIABLE) || "phantom";
  const names = await listExperiments(options.folder);
  const found = names.filter((name) => name.startsWith(`${chain}/${number}-`));
  if (found.length === 1) return await loadExperiment(found[0]!, options);
  const message = found.length === 0
    ? `there is no experiments/${chain}/${number}-*.yaml; see ${CHAIN_VARIABLE}`
    : `there are several: ${found.join(", ")}`;
  throw new ExperimentError(`${chain}/${number}`, [{ source: chain, path: "", message }]);
}
