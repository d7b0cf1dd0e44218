import type { Film } from "@/data/mod.ts";
import {
  describeMember,
  type FittedRule,
  type Member,
  recordFittedRule,
  type Run,
  RunRecordError,
} from "@/experiments/mod.ts";
import { loadStageData, type StageData } from "@/training/mod.ts";
import type { Prediction } from "./ensemble.ts";
import { fitPostprocessing, type Fitting, type FittingGrid } from "./fit.ts";
import { loadEnsemble } from "./load_ensemble.ts";

/** How an ensemble is fitted. */
export interface FitEnsembleOptions {
  /** The data set's folder. Default: `PNEUMOTHORAX_DATA`, else the phantom. */
  root?: string;
  /** The folder of run records. Default: `PNEUMOTHORAX_RUNS`, or `experiments/runs`. */
  runs?: string;
  /** Films in a batch. Default: 4. */
  batch?: number;
  /** Other values to try. Default: those of {@linkcode fitPostprocessing}. */
  grid?: Partial<FittingGrid>;
  /** Called before the first film and after each; all are predicted as they are, then mirrored too. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What {@linkcode fitEnsemble} found, and what the record says of it. */
export interface EnsembleFitting extends Fitting {
  recorded: FittedRule;
}

/** Members that were validated on the same films. */
interface Group {
  members: Member[];
  data: StageData;
}

/**
 * Fits post-processing to what an ensemble says of the validation films, and adds the rule to the
 * record of the first member's run. A film is predicted by those members that were validated on it: of
 * an ensemble over sizes or checkpoints by all, of one over folds by those of its fold, for the others
 * were trained on it. The rule of the first member's experiment is tried too, so what is recorded is
 * never worse on these films.
 *
 * @param members At least one; every run finished, and trained on the data set in `root`.
 * @throws {RunRecordError} If a run is not finished or was trained on other films.
 * @throws {RangeError} If there is no member, or splits of members overlap in part.
 * @throws {CheckpointError} If a checkpoint cannot be loaded.
 */
export async function fitEnsemble(
  members: readonly Member[],
  options: FitEnsembleOptions = {},
): Promise<EnsembleFitting> {
  const first = members[0];
  if (!first) throw new RangeError("Cannot fit post-processing as there is no model");
  const references = members.map(describeMember);
  for (const { run } of members) refuseUnfinished(run);
  const groups = await groupByFilms(members, options);
  const films = groups.flatMap(({ data }) => data.split.validation);
  refuseOverlap(films);

  let done = 0;
  const total = 2 * films.length;
  const count = () => options.onProgress?.({ done: ++done, total });
  options.onProgress?.({ done, total });
  const fitting = await fitPostprocessing(
    {
      plain: predictGroups(groups, false, options, count),
      flipped: predictGroups(groups, true, options, count),
    },
    films,
    { rules: [first.run.experiment.postprocessing], ...options.grid },
  );
  const recorded: FittedRule = {
    fitted: new Date().toISOString(),
    members: references,
    films: fitting.films,
    rule: fitting.rule,
    dice: fitting.dice,
    steps: fitting.steps.map(({ name, before, after, kept }) => ({ name, before, after, kept })),
  };
  await recordFittedRule(recorded, options.runs);
  return { ...fitting, recorded };
}

function refuseUnfinished({ id, status }: Run): void {
  if (status === "finished") return;
  throw new RunRecordError(
    `Cannot fit post-processing as the run ${id} is not finished: ${status}. Finish its training`,
  );
}

/** Puts members together whose experiments keep the same films for validation. */
async function groupByFilms(
  members: readonly Member[],
  { root }: FitEnsembleOptions,
): Promise<Group[]> {
  const groups = new Map<string, Group>();
  for (const member of members) {
    const { id, data, experiment } = member.run;
    const { split, limit } = experiment.data;
    const key = JSON.stringify([split, limit]);
    const group = groups.get(key);
    if (group) {
      group.members.push(member);
      refuseOtherFilms(id, data.hash, group.data);
      continue;
    }
    const stage = await loadStageData(experiment, root === undefined ? {} : { root });
    refuseOtherFilms(id, data.hash, stage);
    groups.set(key, { members: [member], data: stage });
  }
  return [...groups.values()];
}

function refuseOtherFilms(id: string, hash: string, { dataset, hash: own }: StageData): void {
  if (hash === own) return;
  throw new RunRecordError(
    `Cannot fit post-processing as the run ${id} was trained on other films than those in ` +
      `${dataset.root}: their hash is ${own.slice(0, 12)}…, not ${
        hash.slice(0, 12)
      }…. Name its data ` +
      `set with --data DIR or PNEUMOTHORAX_DATA`,
  );
}

/** Films that two splits keep for validation would count twice, and one ensemble saw others of each. */
function refuseOverlap(films: readonly Film[]): void {
  const seen = new Set<string>();
  for (const { imageId } of films) {
    if (seen.has(imageId)) {
      throw new RangeError(
        `Cannot fit post-processing as the models have different splits that share validation films, ` +
          `first ${imageId}. Fit models of the same split, or of the folds of one`,
      );
    }
    seen.add(imageId);
  }
}

async function* predictGroups(
  groups: readonly Group[],
  flip: boolean,
  { runs, batch = 4 }: FitEnsembleOptions,
  count: () => void,
): AsyncGenerator<Prediction, void, void> {
  for (const { members, data } of groups) {
    const where = runs === undefined ? {} : { runs };
    const ensemble = await loadEnsemble(members, { flip, batch, ...where });
    try {
      const { root } = data.dataset;
      for await (const prediction of ensemble.predict(data.split.validation, { root })) {
        yield prediction;
        count();
      }
    } finally {
      ensemble.dispose();
    }
  }
}
