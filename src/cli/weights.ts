import { join } from "node:path";
import { parseArgs } from "node:util";
import { projectFolder } from "@/experiments/mod.ts";
import { command, UsageError } from "./command.ts";

const HELP = `Makes a file of pretrained encoder weights that experiments can start from.

Usage: deno task weights FILE --encoder NAME [--output FILE]

  deno task weights efficientnetb4_notop.h5 --encoder efficientnet-b4
  deno task weights model.safetensors --encoder seresnext50-32x4d

FILE is what others publish; nothing is downloaded here:
  Keras's .h5 or .weights.h5, with or without its top: the efficientnet-*, resnet50-v1
  timm's .safetensors: the efficientnet-* (take tf_efficientnet_*: the others pad and normalise in
  another way), resnet34, resnet50, seresnext50-32x4d

Options:
  --encoder NAME  efficientnet-b0 to efficientnet-b7, resnet34, resnet50, resnet50-v1,
                  seresnext50-32x4d
  --output FILE   (default: data/weights/NAME.safetensors)
  --help          shows this

Then write "weights: data/weights/NAME.safetensors" under "model:" of an experiment without a parent.
Exit code: 0 done, 1 failed, 2 wrong usage.`;

interface Arguments {
  input: string;
  encoder: string;
  output: string;
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "weights", help: HELP, parse: parseArguments, run: convert });

function parseArguments(args: string[]): Arguments {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      encoder: { type: "string" },
      output: { type: "string" },
    },
  });
  const [input] = positionals;
  if (positionals.length !== 1 || input === undefined) {
    throw new RangeError(
      `Cannot convert weights as one FILE must be named: ${positionals.join(" ") || "none"}`,
    );
  }
  const encoder = values.encoder ?? "missing";
  const output = values.output ?? join(projectFolder, "data", "weights", `${encoder}.safetensors`);
  return { input, encoder, output };
}

async function convert({ input, encoder: name, output }: Arguments): Promise<void> {
  const { ENCODERS, isEfficientNet } = await import("@/model/mod.ts");
  const { convertFile } = await import("@/pretrained/mod.ts");
  const encoder = ENCODERS.find((known) => known === name);
  if (encoder === undefined) {
    throw new UsageError(
      `Cannot convert weights as --encoder must be one of ${ENCODERS.join(", ")}: ${name}`,
    );
  }
  const { source, tensors, numbers, sha256 } = await convertFile(input, encoder, output);
  console.log(`${encoder}: ${tensors} tensors with ${numbers} numbers from a file of ${source}`);
  if (source === "timm" && isEfficientNet(encoder)) {
    console.log("Make sure it is one of timm's tf_efficientnet_*: names do not tell them apart");
  }
  console.log(`written: ${output}\nSHA-256: ${sha256}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
