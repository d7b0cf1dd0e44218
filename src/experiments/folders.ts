import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the project, where `deno.json` stands. */
export const projectFolder = fileURLToPath(new URL("../../", import.meta.url));

/** The folder of the shipped experiments. */
export const experimentsFolder = join(projectFolder, "experiments");

/** The folder of the run records: `PNEUMOTHORAX_RUNS`, or `experiments/runs` of the project. */
export function runsFolder(): string {
  return Deno.env.get("PNEUMOTHORAX_RUNS") || join(experimentsFolder, "runs");
}
