import { findRun, listRuns } from "./find.ts";
import { nearest } from "./problems.ts";
import type { CheckpointReference, Run } from "./run.ts";
import { type CheckpointName, checkpointNames } from "./schema.ts";

/** One model of an ensemble: a run, and which of its checkpoints has the weights. */
export interface Member {
  run: Run;
  checkpoint: CheckpointName;
}

/**
 * Finds a trained model by its name: `RUN` for the final checkpoint, or `RUN@CHECKPOINT` such as
 * `phantom/5-256-swa@best-dice`. RUN is the id of a run, or the name of an experiment, of which the
 * newest finished run is taken.
 *
 * @param runs The folder of the records (default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`).
 * @throws {RangeError} If there is no such run, or it has no such checkpoint.
 */
export async function findMember(name: string, runs?: string): Promise<Member> {
  const at = name.indexOf("@");
  const runName = at < 0 ? name : name.slice(0, at);
  const run = await findTrainedRun(runName, runs);
  const checkpoint = at < 0 ? "final" : name.slice(at + 1);
  const known = checkpointNames.filter((each) => run.checkpoints[each] !== undefined);
  const found = known.find((each) => each === checkpoint);
  if (found !== undefined) return { run, checkpoint: found };
  const near = nearest(checkpoint, known);
  throw new RangeError(
    `Cannot use the model ${name} as the run ${run.id} has no checkpoint "${checkpoint}"` +
      (near === undefined ? "" : `, did you mean "${near}"?`) +
      ` (there are: ${known.join(", ") || "none"}; its status is ${run.status})`,
  );
}

/** The run of that id, or the newest finished run of the experiment of that name. */
async function findTrainedRun(name: string, folder?: string): Promise<Run> {
  const where = folder === undefined ? {} : { runs: folder };
  const { runs } = await listRuns(where);
  const run = runs.find(({ id }) => id === name) ??
    await findRun(name, { status: "finished", ...where });
  if (run) return run;
  const finished = runs.filter(({ status }) => status === "finished");
  const known = [...new Set(finished.map(({ experiment }) => experiment.name))].sort();
  throw new RangeError(
    `Cannot use a trained model as there is no run of that id, and no finished run of an experiment ` +
      `of that name (there are: ${known.join(", ") || "none"}): ${name}`,
  );
}

/**
 * A member as a record names it.
 *
 * @throws {RangeError} If the run has no such checkpoint.
 */
export function describeMember({ run, checkpoint }: Member): CheckpointReference {
  const written = run.checkpoints[checkpoint];
  if (!written) {
    throw new RangeError(
      `Cannot name the model ${run.id}@${checkpoint} as the run has no such checkpoint: it has ` +
        `${Object.keys(run.checkpoints).join(", ") || "none"}`,
    );
  }
  return { run: run.id, checkpoint, sha256: written.sha256 };
}
