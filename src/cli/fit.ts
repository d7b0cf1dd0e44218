import { parseArgs } from "node:util";
import { findMember, type Member, runFile } from "@/experiments/mod.ts";
import { clearBar, Progress } from "@/notebook/mod.ts";
import { command } from "./command.ts";

const HELP = `Fits post-processing to what trained models say of the validation films.

Usage: deno task fit --run RUN [--run RUN ...] [--data DIR]

  deno task fit --run siim/5-768-swa
  deno task fit --run siim/3-512-focal-swa --run siim/5-768-swa
  deno task fit --run siim/5-768-swa --run siim/5-768-swa@best-dice --data /data/siim

Options:
  --run RUN   a trained model: the id of a run in experiments/runs, or the name of an experiment, of
              which the newest finished run is taken; several are averaged. @NAME behind it names one
              of its checkpoints (default: final)
  --data DIR  the data set that they were trained on
              (default: PNEUMOTHORAX_DATA, else data/phantom-clear)
  --help      shows this

Step by step: the mean with the mirrored film, a threshold, dropping small components, the triplet rule,
a threshold for each sex, the rule of the first run's experiment. A step is kept only if it improves the
mean dice, and the first run's record says by how much. "deno task predict" with the same models then
uses the rule. A film is predicted by the models that kept it for validation, so folds of one split can
be fitted together. Exit code: 0 done, 1 failed, 2 wrong usage.`;

interface Arguments {
  names: string[];
  root: { root?: string };
}

/** Runs the command and returns its exit code: 0 done, 1 failed, 2 wrong usage. */
export const main = command({ name: "fit", help: HELP, parse: parseArguments, run: fit });

function parseArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      run: { type: "string", multiple: true, default: [] },
      data: { type: "string" },
    },
  });
  if (values.run.length === 0) {
    throw new RangeError("Cannot fit post-processing as no trained model is named: add --run RUN");
  }
  return { names: values.run, root: values.data === undefined ? {} : { root: values.data } };
}

async function fit({ names, root }: Arguments): Promise<void> {
  const members: Member[] = [];
  for (const name of names) members.push(await findMember(name));
  const { fitEnsemble, ruleText } = await import("@/postprocessing/mod.ts");
  let bar: Progress | undefined;
  const { recorded } = await fitEnsemble(members, {
    ...root,
    onProgress: ({ done, total }) => {
      bar ??= new Progress(total, { label: "predicting", unit: "films" });
      void bar.update(done);
    },
  }).catch((error) => {
    clearBar();
    throw error;
  });
  await bar?.finish();
  const { films, steps, rule, dice } = recorded;
  for (const { name, before, after, kept } of steps) {
    const outcome = kept ? "kept" : "not kept";
    console.log(`${name.padEnd(10)}  ${before.toFixed(4)} -> ${after.toFixed(4)}  ${outcome}`);
  }
  console.log(`dice ${dice.toFixed(4)} on these ${films} films: ${ruleText(rule)}`);
  console.log(`recorded: ${runFile(recorded.members[0]!.run)}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
