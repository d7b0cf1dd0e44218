/**
 * Gives damaged files to every parser: `deno task fuzz`. Each must be read correctly or refused with
 * the parser's own error; anything else is a find: another error, a crash, a hang, a silent mask.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { command, UsageError } from "@/cli/command.ts";
import type { Message } from "./child.ts";
import { mutate } from "./mutate.ts";
import type { Target } from "./target.ts";
import { makeTargets } from "./targets.ts";

const HELP = `Gives damaged files to every parser: each must be read correctly or refused.

Usage: deno task fuzz [--minutes N] [--seed N] [--target NAME] [--input N]

  deno task fuzz --minutes 10
  deno task fuzz --target dicom --seed 1 --input 1234   what a find says to repeat it

Options:
  --minutes N    How long (default: 1)
  --seed N       Other inputs (default: 1)
  --target NAME  One parser only: dicom, png, csv, rle, yaml, safetensors,
                 checkpoint, record, manifest, keras
  --input N      That input only, and write it to the working folder; needs --target
  --help         Shows this

Exit code: 0 no find, 1 there are finds, 2 wrong usage.`;

/** How long one process runs before it is another parser's turn. */
const BATCH_SECONDS = 10;
/** A parser that has had this share of all inputs waits: run lengths are read in microseconds. */
const LARGEST_SHARE = 0.25;
/** An input that takes longer hangs. */
const LONGEST_MS = 20_000;

interface Count {
  read: number;
  refused: number;
  finds: { index: number; what: string }[];
}

/** Runs one batch; says at which input it ended, which is before the last after a crash. */
async function runBatch(
  { name, isolated = false }: Target,
  seed: number,
  from: number,
  count: Count,
): Promise<number> {
  const longestMs = isolated ? LONGEST_MS / 10 : LONGEST_MS;
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", join(import.meta.dirname!, "child.ts")],
      ...[name, `${seed}`, `${from}`, `${BATCH_SECONDS}`],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(process.stderr).text();
  let current = from;
  let isLate = false;
  const kill = () => {
    isLate = true;
    process.kill("SIGKILL");
  };
  let limit = setTimeout(kill, LONGEST_MS); // it starts

  let rest = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    clearTimeout(limit);
    limit = setTimeout(kill, longestMs);
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const message = JSON.parse(line) as Message;
      current = message.index + (message.kind === "begins" ? 0 : 1);
      if (message.kind === "find") count.finds.push(message);
      else if (message.kind !== "begins") count[message.kind]++;
    }
  }
  clearTimeout(limit);
  const { success } = await process.status;
  if (success) return current;
  if (isolated) {
    count.refused++;
    return current + 1;
  }
  const what = isLate ? `it hangs` : `it crashes: ${(await errors).slice(-1000)}`;
  count.finds.push({ index: current, what });
  return current + 1;
}

/** A parser's part of the inputs so far. */
function shareOf(name: string, inputs: ReadonlyMap<string, number>): number {
  const total = [...inputs.values()].reduce((sum, count) => sum + count, 0);
  return total === 0 ? 0 : inputs.get(name)! / total;
}

async function fuzz(minutes: number, seed: number, targets: readonly Target[]): Promise<boolean> {
  const names = targets.map(({ name }) => name);
  const end = Date.now() + minutes * 60_000;
  const counts = new Map(names.map((name) => [name, { read: 0, refused: 0, finds: [] } as Count]));
  const next = new Map(names.map((name) => [name, 0]));
  while (Date.now() < end) {
    for (const target of targets) {
      const { name } = target;
      if (Date.now() >= end) break;
      if (targets.length > 1 && shareOf(name, next) > LARGEST_SHARE) continue;
      next.set(name, await runBatch(target, seed, next.get(name)!, counts.get(name)!));
    }
  }
  let total = 0;
  let finds = 0;
  for (const [name, count] of counts) {
    const inputs = count.read + count.refused + count.finds.length;
    total += inputs;
    finds += count.finds.length;
    console.log(
      `${name}: ${inputs} inputs, ${count.read} read, ${count.refused} refused, ` +
        `${count.finds.length} finds`,
    );
    for (const { index, what } of count.finds.slice(0, 20)) {
      console.log(`  --target ${name} --seed ${seed} --input ${index}: ${what}`);
    }
  }
  console.log(`${total} inputs, ${finds} finds`);
  return finds === 0;
}

interface Arguments {
  minutes: number;
  seed: number;
  target: string | undefined;
  input: number | undefined;
}

/** Runs the command and returns its exit code. */
export const main = command({ name: "fuzz", help: HELP, parse: parseArguments, run });

function parseArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string", default: "1" },
      target: { type: "string" },
      input: { type: "string" },
    },
  });
  const number = (option: string, text: string) => {
    if (Number(text) >= 0) return Number(text);
    throw new RangeError(`--${option} must be a number of at least 0: ${text}`);
  };
  const { target, input } = values;
  if (input !== undefined && target === undefined) throw new RangeError("--input needs --target");
  return {
    minutes: number("minutes", values.minutes),
    seed: number("seed", values.seed),
    target,
    input: input === undefined ? undefined : number("input", input),
  };
}

async function run({ minutes, seed, target, input }: Arguments): Promise<number> {
  const folder = await Deno.makeTempDir();
  const targets = await makeTargets(folder);
  await Deno.remove(folder, { recursive: true });
  const chosen = targets.filter(({ name }) => (target ?? name) === name);
  if (chosen.length === 0) {
    const names = targets.map(({ name }) => name).join(", ");
    throw new UsageError(`--target must be one of ${names}: ${target}`);
  }
  if (input !== undefined) {
    const { bytes, source } = mutate(chosen[0]!.seeds, seed, input);
    await Deno.writeFile(`fuzz-${chosen[0]!.name}-${seed}-${input}.bin`, bytes);
    console.log(`${bytes.length} bytes, from seed file ${source}`);
    await chosen[0]!.read(bytes, source);
    return 0;
  }
  return await fuzz(minutes, seed, chosen) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
