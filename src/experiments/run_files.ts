import { join } from "node:path";
import { runFolder } from "./run.ts";

/** A file in a run's folder. */
export interface RunFile {
  name: string;
  bytes: number;
}

/**
 * What a run has written: its record, and the checkpoints and tables beside it, by name.
 *
 * @param id Of the run.
 * @param runs The folder of run records. Default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`.
 */
export async function runFiles(id: string, runs?: string): Promise<RunFile[]> {
  const folder = runFolder(id, runs);
  const files: RunFile[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) files.push({ name, bytes: (await Deno.stat(join(folder, name))).size });
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}
