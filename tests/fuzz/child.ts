/**
 * Runs some inputs of one parser for fuzz.ts, in a process of its own, as a crash would take the
 * whole process along. Arguments: target, seed, first input, seconds. Prints a line of
 * JSON for each.
 */
import { runInput, type Verdict } from "./run_input.ts";
import { makeTargets } from "./targets.ts";

/** What is printed: which input begins, and what became of it. */
export type Message = { index: number } & ({ kind: "begins" } | Verdict);

const [name, seed, from, seconds] = Deno.args;
const folder = await Deno.makeTempDir();
try {
  const target = (await makeTargets(folder)).find((target) => target.name === name)!;
  const say = (message: Message) =>
    Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(message) + "\n"));
  const end = Date.now() + Number(seconds) * 1000;
  for (let index = Number(from); Date.now() < end; index++) {
    say({ index, kind: "begins" });
    say({ index, ...await runInput(target, Number(seed), index) });
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
