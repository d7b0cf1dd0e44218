import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Excluded, FILM_SIZE, loadFilms, prepare } from "@/data/mod.ts";
import { findFittedRule, findMember, type FittedRule, type Member } from "@/experiments/mod.ts";
import { Progress } from "@/notebook/mod.ts";
import { command } from "./command.ts";

const HELP = `Predicts the finding in every DICOM file of a folder, in it and all below it.

Usage: deno task predict FOLDER --run RUN [--run RUN ...] [--output DIR]
                         [--png] [--dicom-seg] [--json] [--skip-bad]

  deno task predict ~/films --run siim/5-768-swa --png
  deno task predict ~/films --run siim/5-768-swa --dicom-seg --json --output for-the-viewer
  deno task predict ~/films --run siim/3-512-focal-swa --run siim/5-768-swa
  deno task predict ~/films --run siim/5-768-swa --run siim/5-768-swa@best-dice

Options:
  --run RUN     a trained model: the id of a run in experiments/runs, or the name of an experiment,
                of which the newest finished run is taken; several are averaged. @NAME behind it
                names one of its checkpoints (default: final)
  --rule KIND   how probabilities become a mask: fitted, as "deno task fit" found it for exactly
                these models (default, if it did), or experiment, as the first run's experiment says
  --output DIR  where to write (default: predictions): submission.csv, one row for each film,
                and masks/<film>.png, black and white at the film's size
  --png         also writes overlays/<film>.png: the film with the mask's outline
  --dicom-seg   also writes segmentations/<film>.dcm: the mask as a DICOM Segmentation that refers to
                the film; none for a film in which nothing was found
  --json        also writes predictions.json: area in pixels and mm2, side, regions and confidence of
                each film, models and rule
  --skip-bad    ends with 0 although files could not be used, unless none could
  --help        shows this

A film is called as its file, without .dcm. One that is not ${FILM_SIZE} x ${FILM_SIZE} is placed in such a
square for the network, and its mask brought back to the film's size; areas of a rule are those in the
square. Files that cannot be used are listed at the end and have no row in submission.csv. Research use
only: this is not a medical device. Exit code: 0 done, 1 failed or a file could not be used, 2 wrong
usage.`;

/** Most films that are named in one message. */
const NAMED = 20;

const RULES = ["fitted", "experiment"] as const;

interface Arguments {
  folder: string;
  runs: string[];
  rule: typeof RULES[number] | undefined;
  output: string;
  png: boolean;
  dicomSeg: boolean;
  json: boolean;
  skipBad: boolean;
}

/** Runs the command and returns its exit code: 0 done, 1 failed, 2 wrong usage. */
export const main = command({ name: "predict", help: HELP, parse: parseArguments, run: predict });

function parseArguments(args: string[]): Arguments {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      run: { type: "string", multiple: true, default: [] },
      rule: { type: "string" },
      output: { type: "string", default: "predictions" },
      png: { type: "boolean", default: false },
      "dicom-seg": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      "skip-bad": { type: "boolean", default: false },
    },
  });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) {
    throw new RangeError(
      `Cannot predict as one folder must be named: ${positionals.join(", ") || "none is"}`,
    );
  }
  if (values.run.length === 0) {
    throw new RangeError("Cannot predict as no trained model is named: add --run RUN");
  }
  const rule = RULES.find((kind) => kind === values.rule);
  if (values.rule !== undefined && rule === undefined) {
    throw new RangeError(
      `Cannot predict as --rule must be ${RULES.join(" or ")}: ${values.rule}`,
    );
  }
  const { run: runs, output, png, json } = values;
  const { "dicom-seg": dicomSeg, "skip-bad": skipBad } = values;
  return { folder, runs, rule, output, png, dicomSeg, json, skipBad };
}

async function predict(parsed: Arguments): Promise<number> {
  const { films, bad } = await predictFolder(parsed);
  if (bad.length === 0) return 0;
  console.error(`${bad.length} files could not be used:`);
  for (const { imageId, path, reason } of bad) console.error(`  ${path ?? imageId}: ${reason}`);
  if (films === 0) console.error("None could be used, so nothing is written");
  return parsed.skipBad && films > 0 ? 0 : 1;
}

/** Predicts one film after the other; returns how many, and the files that could not be used. */
async function predictFolder(
  { folder, runs: names, rule: kind, output, png, dicomSeg, json }: Arguments,
): Promise<{ films: number; bad: Excluded[] }> {
  // Runs are looked up first: a misspelt name shall not cost the time to read all films.
  const members: Member[] = [];
  for (const name of names) members.push(await findMember(name));
  const { loadEnsemble, ruleText } = await import("@/postprocessing/mod.ts");
  const { PredictionFolder } = await import("@/prediction/mod.ts");
  const { rule, source } = chooseRule(members, kind);
  const { data } = members[0]!.run.experiment;
  console.log(`${source}: ${ruleText(rule)}`);

  const index = await loadFilms(folder, { leftOut: output });
  const cache = join(output, ".prepared");
  const preparing = new Progress(index.films.length, { label: "reading", unit: "films" });
  const prepared = await prepare(index.films, {
    root: folder,
    folder: cache,
    size: data.size,
    contrast: data.contrast,
    maximumExcluded: 1,
    onProgress: ({ done }) => void preparing.update(done),
  });
  await preparing.finish();
  const bad = [...index.excluded, ...prepared.excluded];
  const films = index.films.filter(({ imageId }) => prepared.has(imageId));
  if (films.length === 0) {
    await Deno.remove(cache, { recursive: true });
    return { films: 0, bad };
  }

  const results = new PredictionFolder({
    folder: output,
    members,
    rule,
    overlays: png,
    dicomSegmentations: dicomSeg,
    json,
  });
  const ensemble = await loadEnsemble(members, { flip: rule.flip, batch: 1 });
  try {
    const byId = new Map(films.map((film) => [film.imageId, film]));
    const progress = new Progress(films.length, { label: "predicting", unit: "films" });
    const places = { root: folder, folder: cache };
    for await (const prediction of ensemble.predict(films, places)) {
      await results.add(byId.get(prediction.imageId)!, prediction);
      void progress.update(results.films);
    }
    await progress.finish();
  } finally {
    ensemble.dispose();
  }
  const path = await results.finish(bad);
  await Deno.remove(cache, { recursive: true });
  const finding = results.finding.meaning.toLowerCase();
  const { negatives } = results;
  console.log(`${path}: ${films.length} films, ${films.length - negatives.length} with ${finding}`);
  if (dicomSeg && negatives.length > 0) {
    const named = negatives.slice(0, NAMED).join(", ");
    const more = negatives.length > NAMED ? ` and ${negatives.length - NAMED} more` : "";
    console.log(`No ${finding} was found, so there is no DICOM Segmentation: ${named}${more}`);
  }
  return { films: films.length, bad: [...bad, ...results.failed] };
}

/** The rule that turns probabilities into masks, and where it comes from, for the reader. */
function chooseRule(
  members: readonly Member[],
  kind: Arguments["rule"],
): { rule: FittedRule["rule"]; source: string } {
  const fitted = kind === "experiment" ? undefined : findFittedRule(members);
  if (fitted) {
    const { rule, films, dice } = fitted;
    return { rule, source: `rule fitted to ${films} films (dice ${dice.toFixed(3)})` };
  }
  const { experiment } = members[0]!.run;
  if (kind !== "fitted") {
    return { rule: experiment.postprocessing, source: `rule of ${experiment.name}` };
  }
  const models = members.map(({ run, checkpoint }) => `--run ${run.id}@${checkpoint}`).join(" ");
  throw new RangeError(
    `Cannot use a fitted rule as none was fitted to these models. Fit one: deno task fit ${models}`,
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args));
