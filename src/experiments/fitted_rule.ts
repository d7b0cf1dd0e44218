import { readRun } from "./find.ts";
import { runsFolder } from "./folders.ts";
import { describeMember, type Member } from "./member.ts";
import {
  type CheckpointReference,
  type FittedRule,
  type Run,
  RunRecordError,
  writeRunFile,
} from "./run.ts";

/**
 * Adds a fitted rule to the record of its first member's run, in place of an earlier one of the same
 * members.
 *
 * @param runs The folder of the records (default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`).
 * @returns The run with the rule.
 * @throws {RunRecordError} If that run is not finished, or its record cannot be read: it is left as it
 * was.
 */
export async function recordFittedRule(
  fitted: FittedRule,
  runs: string = runsFolder(),
): Promise<Run> {
  const id = fitted.members[0]!.run;
  const run = await readRun(id, runs);
  if (run.status !== "finished") {
    throw new RunRecordError(
      `Cannot add a fitted rule to the record of the run ${id} as it is not finished: ${run.status}`,
    );
  }
  const others = run.postprocessing.filter(({ members }) => !areSame(members, fitted.members));
  const changed: Run = { ...run, postprocessing: [...others, fitted] };
  await writeRunFile(changed, runs);
  return changed;
}

/** The rule that was fitted to exactly these members, in any order, or undefined. */
export function findFittedRule(members: readonly Member[]): FittedRule | undefined {
  const wanted = members.map(describeMember);
  return members.flatMap(({ run }) => run.postprocessing)
    .find((fitted) => areSame(fitted.members, wanted));
}

/** Whether two ensembles have the same weights: one checkpoint may go by two names. */
function areSame(a: readonly CheckpointReference[], b: readonly CheckpointReference[]): boolean {
  const key = (members: readonly CheckpointReference[]) =>
    members.map(({ run, sha256 }) => `${run} ${sha256}`).sort().join("\n");
  return key(a) === key(b);
}
