import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  encodeGreyPng,
  encodeRle,
  type Excluded,
  FILM_SIZE,
  type FilmFile,
  loadFilms,
  prepare,
} from "@/data/mod.ts";
import { readDicom } from "@/dicom/mod.ts";
import { findFittedRule, findMember, type FittedRule, type Member } from "@/experiments/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import { Progress } from "@/notebook/mod.ts";
import { COLORS, overlayJpeg } from "@/plots/mod.ts";
import { command } from "./command.ts";

const HELP = `Predicts the pneumothorax in every DICOM file of a folder, in it and all below it.

Usage: deno task predict FOLDER --run RUN [--run RUN ...] [--output DIR] [--overlays] [--skip-bad]

  deno task predict ~/films --run siim/5-768-swa --overlays
  deno task predict ~/films --run siim/3-512-focal-swa --run siim/5-768-swa --output result
  deno task predict ~/films --run siim/5-768-swa --run siim/5-768-swa@best-dice

Options:
  --run RUN     a trained model: the id of a run in experiments/runs, or the name of an experiment,
                of which the newest finished run is taken; several are averaged. @NAME behind it
                names one of its checkpoints (default: final)
  --rule KIND   how probabilities become a mask: fitted, as "deno task fit" found it for exactly
                these models (default, if it did), or experiment, as the first run's experiment says
  --output DIR  where to write (default: predictions): submission.csv, one row for each film,
                and masks/<film>.png, black and white at ${FILM_SIZE} x ${FILM_SIZE}
  --overlays    also writes overlays/<film>.jpg: the film with the mask's outline
  --skip-bad    ends with 0 although files could not be used
  --help        shows this

A film is called as its file, without .dcm; its size must be ${FILM_SIZE} x ${FILM_SIZE}. Files that
cannot be used are listed at the end and have no row in submission.csv. Exit code: 0 done, 1 failed or
a file could not be used, 2 wrong usage.`;

const RULES = ["fitted", "experiment"] as const;

interface Arguments {
  folder: string;
  runs: string[];
  rule: typeof RULES[number] | undefined;
  output: string;
  overlays: boolean;
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
      overlays: { type: "boolean", default: false },
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
  const { run: runs, output, overlays } = values;
  return { folder, runs, rule, output, overlays, skipBad: values["skip-bad"] };
}

async function predict(parsed: Arguments): Promise<number> {
  const bad = await predictFolder(parsed);
  if (bad.length === 0) return 0;
  console.error(`${bad.length} files could not be used:`);
  for (const { imageId, path, reason } of bad) console.error(`  ${path ?? imageId}: ${reason}`);
  return parsed.skipBad ? 0 : 1;
}

/** Predicts one film after the other and returns the files that could not be used. */
async function predictFolder(
  { folder, runs: names, rule: kind, output, overlays }: Arguments,
): Promise<Excluded[]> {
  // Runs are looked up first: a misspelt name shall not cost the time to read all films.
  const members: Member[] = [];
  for (const name of names) members.push(await findMember(name));
  const { loadEnsemble, ruleText, toMask } = await import("@/postprocessing/mod.ts");
  const { rule, source } = chooseRule(members, kind);
  const { data } = members[0]!.run.experiment;
  console.log(`${source}: ${ruleText(rule)}`);

  const index = await loadFilms(folder);
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
    return bad;
  }

  const ensemble = await loadEnsemble(members, { flip: rule.flip, batch: 1 });
  const rows: string[] = [];
  let positives = 0;
  try {
    const byId = new Map(films.map((film) => [film.imageId, film]));
    const progress = new Progress(films.length, { label: "predicting", unit: "films" });
    for await (
      const { imageId, probabilities } of ensemble.predict(films, { root: folder, folder: cache })
    ) {
      const film = byId.get(imageId)!;
      const mask = toMask(probabilities, rule, film.sex);
      await writePictures(output, film, mask, overlays);
      rows.push(`${imageId},${encodeRle(mask, FILM_SIZE, FILM_SIZE)}\n`);
      if (mask.includes(1)) positives++;
      void progress.update(rows.length);
    }
    await progress.finish();
  } finally {
    ensemble.dispose();
  }
  const path = join(output, "submission.csv");
  await writeFileAtomic(path, `ImageId,EncodedPixels\n${rows.join("")}`);
  await Deno.remove(cache, { recursive: true });
  console.log(`${path}: ${rows.length} films, ${positives} with a pneumothorax`);
  return bad;
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

async function writePictures(
  output: string,
  { imageId, path }: FilmFile,
  mask: Uint8Array,
  overlays: boolean,
): Promise<void> {
  const white = mask.map((value) => 255 * value);
  await writeFileAtomic(
    join(output, "masks", `${imageId}.png`),
    await encodeGreyPng(white, FILM_SIZE),
  );
  if (!overlays) return;
  const { pixels } = await readDicom(path);
  const jpeg = await overlayJpeg(pixels, mask, { color: COLORS.prediction, thickness: 3 });
  await writeFileAtomic(join(output, "overlays", `${imageId}.jpg`), jpeg);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
