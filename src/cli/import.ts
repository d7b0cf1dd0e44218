import { parseArgs } from "node:util";
import { importDataset, type ImportOptions } from "@/data/mod.ts";
import { clearBar, Progress } from "@/notebook/mod.ts";
import { command } from "./command.ts";

const HELP =
  `Makes a data set of your own films and masks, to train on: any finding, any size of film.

Usage: deno task import FOLDER --masks DIR --output DIR [--without-mask negative] [--skip-bad]
       deno task import FOLDER --rle FILE --output DIR [--rle-starts] ...

  deno task import ~/films --masks ~/masks --output data/mine
  deno task import ~/films --masks ~/masks --output data/mine --without-mask negative
  deno task import ~/films --rle masks.csv --rle-starts --output data/mine

Options:
  --masks DIR          PNG files named <film>.png or <film>_mask.png, of the film's size, black and
                       one other level; an all-black one says that the film shows nothing
  --rle FILE           instead: a CSV file with ImageId and EncodedPixels, run lengths at the film's
                       size, down the columns: pairs of gap and length as the competition's
  --rle-starts         its pairs are start (from 1) and length, as most other tables'
  --output DIR         the new data set's folder, for --data of the other tasks; must not be there
  --without-mask WHAT  what a film without a mask is: left-out (default) or negative
  --skip-bad           ends with 0 although files could not be used
  --help               shows this

Every .dcm file in FOLDER and below is taken; a film is called as its file, without .dcm. Files that
could not be used are listed, also in DIR/import.json. Names and numbers of patients are not copied.
Exit code: 0 done, 1 failed or a file could not be used, 2 wrong usage.`;

interface Arguments extends ImportOptions {
  skipBad: boolean;
}

/** Runs the command and returns its exit code: 0 done, 1 failed, 2 wrong usage. */
export const main = command({ name: "import", help: HELP, parse: parseArguments, run });

function parseArguments(args: string[]): Arguments {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      masks: { type: "string" },
      rle: { type: "string" },
      "rle-starts": { type: "boolean", default: false },
      output: { type: "string" },
      "without-mask": { type: "string", default: "left-out" },
      "skip-bad": { type: "boolean", default: false },
    },
  });
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot import films as ${why}`);
  };
  const { masks, rle, output = refuse("no output is named: add --output DIR") } = values;
  const withoutMask = values["without-mask"];
  const [films = refuse("no folder of films is named"), ...more] = positionals;
  if (more.length > 0) refuse(`one folder must be named: ${positionals.join(", ")}`);
  if ((masks === undefined) === (rle === undefined)) {
    refuse("masks must be named in one way: --masks DIR or --rle FILE");
  }
  if (masks !== undefined && values["rle-starts"]) refuse("--rle-starts belongs to --rle");
  if (withoutMask !== "left-out" && withoutMask !== "negative") {
    refuse(`--without-mask must be left-out or negative: ${withoutMask}`);
  }
  return {
    films,
    masks: masks === undefined
      ? { table: rle!, runs: values["rle-starts"] ? "starts" : "gaps" }
      : { folder: masks },
    output,
    withoutMask: withoutMask === "negative" ? "negative" : "left out",
    skipBad: values["skip-bad"],
  };
}

async function run({ skipBad, ...options }: Arguments): Promise<number> {
  let bar: Progress | undefined;
  const { films, positives, excluded } = await importDataset({
    ...options,
    onProgress: ({ done, total }) => {
      bar ??= new Progress(total, { label: "importing", unit: "films" });
      void bar.update(done);
    },
  }).catch((error) => {
    clearBar();
    throw error;
  });
  await bar?.finish();
  console.log(`${options.output}: ${films} films, ${positives} with a finding`);
  if (excluded.length === 0) return 0;
  console.error(`${excluded.length} could not be used:`);
  for (const { imageId, path, reason } of excluded) {
    console.error(`  ${path ?? imageId}: ${reason}`);
  }
  return skipBad ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
