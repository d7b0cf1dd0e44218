import { join } from "node:path";
import { withFolder } from "../data/small_dataset.ts";

/** Calls a test with a folder in which the run records are, and forgets it afterwards. */
export async function withRuns(test: (folder: string) => Promise<void>): Promise<void> {
  const before = Deno.env.get("PNEUMOTHORAX_RUNS");
  await withFolder(async (folder) => {
    Deno.env.set("PNEUMOTHORAX_RUNS", join(folder, "runs"));
    try {
      await test(folder);
    } finally {
      if (before === undefined) Deno.env.delete("PNEUMOTHORAX_RUNS");
      else Deno.env.set("PNEUMOTHORAX_RUNS", before);
    }
  });
}
