import { join } from "node:path";
import { parseArgs } from "node:util";
import { projectFolder } from "@/experiments/mod.ts";
import { type EncoderName, ENCODERS, isEfficientNet } from "@/model/mod.ts";
import { convertFile, PretrainedError } from "@/pretrained/mod.ts";

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
  encoder: EncoderName;
  output: string;
}

/** Runs the command and returns its exit code. */
export async function main(args: string[]): Promise<number> {
  let parsed: Arguments | "help";
  try {
    parsed = parseArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\nSee: deno task weights --help`);
    return 2;
  }
  if (parsed === "help") {
    console.log(HELP);
    return 0;
  }
  const { input, encoder, output } = parsed;
  try {
    const { source, tensors, numbers, sha256 } = await convertFile(input, encoder, output);
    console.log(`${encoder}: ${tensors} tensors with ${numbers} numbers from a file of ${source}`);
    if (source === "timm" && isEfficientNet(encoder)) {
      console.log("Make sure it is one of timm's tf_efficientnet_*: names do not tell them apart");
    }
    console.log(`written: ${output}\nSHA-256: ${sha256}`);
    return 0;
  } catch (error) {
    console.error(error instanceof PretrainedError ? error.message : error);
    return 1;
  }
}

function parseArguments(args: string[]): Arguments | "help" {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      encoder: { type: "string" },
      output: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const [input] = positionals;
  if (positionals.length !== 1 || input === undefined) {
    throw new RangeError(
      `Cannot convert weights as one FILE must be named: ${positionals.join(" ") || "none"}`,
    );
  }
  const encoder = ENCODERS.find((name) => name === values.encoder);
  if (encoder === undefined) {
    throw new RangeError(
      `Cannot convert weights as --encoder must be one of ${ENCODERS.join(", ")}: ` +
        `${values.encoder ?? "missing"}`,
    );
  }
  const output = values.output ?? join(projectFolder, "data", "weights", `${encoder}.safetensors`);
  return { input, encoder, output };
}

if (import.meta.main) Deno.exit(await main(Deno.args));
