import { join } from "node:path";
import { findRun, loadStage, projectFolder, type Run } from "@/experiments/mod.ts";

/** Something that an earlier notebook makes is not there; the message says which to run. */
export class MissingRunError extends Error {
  override name = "MissingRunError";
}

/** Which stages of the chain the code of a notebook uses, and whether it trains them. */
export interface NotebookStages {
  /** As `loadStage` counts them, in order of appearance. */
  stages: number[];
  trains: boolean;
}

/** Reads from the code of a notebook file what {@link NotebookStages} says. */
export function notebookStages(text: string): NotebookStages {
  const { cells } = JSON.parse(text) as {
    cells: { cell_type: string; source: string | string[] }[];
  };
  const code = cells.filter(({ cell_type }) => cell_type === "code")
    .map(({ source }) => typeof source === "string" ? source : source.join(""))
    .join("\n");
  const trains = code.includes("trainStage(");
  // A notebook that trains keeps what it trains in a variable; another stage it only looks at.
  const use = trains ? /= await loadStage\((\d+)\)/g : /\bloadStage\((\d+)\)/g;
  const stages = [...code.matchAll(use)].map(([, number]) => Number(number));
  return { stages, trains };
}

/**
 * The newest finished runs of stages that earlier notebooks train, in the order that they are asked for.
 *
 * @param stages As `loadStage` counts them.
 * @throws {MissingRunError} If one has not been trained; the message names the notebook that does.
 */
export async function finishedRuns(...stages: number[]): Promise<Run[]> {
  const runs: Run[] = [];
  for (const stage of stages) {
    const { name, quick } = await loadStage(stage);
    const run = await findRun(name, { status: "finished", quick });
    if (run !== undefined) {
      runs.push(run);
      continue;
    }
    const notebook = await trainingNotebook(stage);
    const task = quick ? "notebooks --quick" : "notebooks";
    const way = notebook === undefined
      ? `Run: deno task train ${name}`
      : `Run ${notebook} first, here or with: deno task ${task} ${notebook.slice(0, 2)}`;
    throw new MissingRunError(`Cannot go on as ${name} has not been trained to its end. ${way}`);
  }
  return runs;
}

/** The name of the notebook that trains a stage. */
async function trainingNotebook(stage: number): Promise<string | undefined> {
  const folder = join(projectFolder, "notebooks");
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const names = entries.map(({ name }) => name).filter((name) => /^\d\d.*\.ipynb$/.test(name));
  for (const name of names.sort()) {
    const { stages, trains } = notebookStages(await Deno.readTextFile(join(folder, name)));
    if (trains && stages.includes(stage)) return name;
  }
  return undefined;
}
