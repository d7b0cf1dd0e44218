import { parseArgs } from "node:util";
import {
  type Contrast,
  datasetRoot,
  DEFAULT_CLAHE,
  DEFAULT_CONTRAST,
  type Excluded,
  loadDataset,
  maximumExcluded,
  prepare,
  type PrepareProgress,
} from "@/data/mod.ts";
import { command } from "./command.ts";

const HELP = `Makes every film of a data set a small grey PNG, and every annotation a mask.

Usage: deno task prepare [--data DIR] [--size 256] [--contrast percentile] [--max-bad 5%]

  deno task prepare
  deno task prepare --data /data/siim --size 512

Options:
  --data DIR       folder with dicom-images-train and train-rle.csv
                   (default: PNEUMOTHORAX_DATA, else data/phantom-clear)
  --size N         rows and columns, 1 to 1024 (default 256)
  --contrast KIND  percentile (default): the darkest and the brightest 0.5 % are clipped;
                   clahe: local contrast, clip limit 2, 8 x 8 tiles;
                   none: grey values as they are
  --max-bad SHARE  share of the files that may be damaged before it fails, for example 0.1 or 10%
                   (default: PNEUMOTHORAX_MAX_BAD, which other commands take too, else 5%)
  --help           shows this

Files go to DIR/prepared/<size>-<hash of the recipe>. What is there is not made again, so it can be
stopped and started again. Exit code: 0 done, 1 failed, 2 wrong usage.`;

const CONTRASTS: ReadonlyMap<string, Contrast> = new Map<string, Contrast>([
  ["percentile", DEFAULT_CONTRAST],
  ["clahe", DEFAULT_CLAHE],
  ["none", { kind: "none" }],
]);

interface Arguments {
  root: string;
  size: number;
  contrast: Contrast;
  maximumExcluded: number;
}

/** Runs the command and returns its exit code: 0 done, 1 failed, 2 wrong usage. */
export const main = command({ name: "prepare", help: HELP, parse: parseArguments, run });

function parseArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: "string" },
      size: { type: "string", default: "256" },
      contrast: { type: "string", default: "percentile" },
      "max-bad": { type: "string" },
    },
  });
  const size = Number(values.size);
  if (!Number.isInteger(size) || size < 1 || size > 1024) {
    throw new RangeError(
      `Cannot prepare films as --size must be an integer in 1..1024: ${values.size}`,
    );
  }
  const contrast = CONTRASTS.get(values.contrast);
  if (contrast === undefined) {
    throw new RangeError(
      `Cannot prepare films as --contrast must be percentile, clahe or none: ${values.contrast}`,
    );
  }
  return {
    root: datasetRoot(values.data),
    size,
    contrast,
    maximumExcluded: maximumExcluded(values["max-bad"]),
  };
}

async function run({ root, size, contrast, maximumExcluded }: Arguments): Promise<void> {
  const dataset = await loadDataset(root, { maximumExcluded });
  const { train, test } = dataset;
  const positives = train.filter((film) => film.positive).length;
  console.log(
    `${root}: ${train.length} training films (${positives} positive), ${test.length} test`,
  );
  reportExcluded(dataset.excluded);

  const started = performance.now();
  let shown = 0;
  let last: PrepareProgress | undefined;
  const prepared = await prepare([...train, ...test], {
    root,
    size,
    contrast,
    maximumExcluded,
    onProgress: (progress) => {
      last = progress;
      const tenths = Math.floor((10 * progress.done) / progress.total);
      if (tenths === shown) return;
      shown = tenths;
      console.log(`${progress.done} of ${progress.total} films`);
    },
  });
  reportExcluded(prepared.excluded);
  const made = (last?.done ?? 0) - (last?.reused ?? 0) - (last?.excluded ?? 0);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${prepared.folder}: ${made} films made, ${last?.reused ?? 0} there already, ` +
      `${prepared.excluded.length} left out, ${seconds.toFixed(1)} s`,
  );
}

function reportExcluded(excluded: readonly Excluded[]): void {
  for (const { imageId, reason } of excluded) console.log(`Left out ${imageId}: ${reason}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
