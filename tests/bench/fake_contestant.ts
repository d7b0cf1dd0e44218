/**
 * Speaks the line protocol with made-up samples, for the tests: `fake_contestant.ts SAMPLE ...`. It
 * refuses at "cannot" in place of the first sample, and fails at "fail" in place of any.
 */
import { createInterface } from "node:readline";
import process from "node:process";

const samples = [...Deno.args];
if (samples[0] === "cannot") {
  console.log("cannot find its processor");
  Deno.exit(0);
}
console.log("A library says hello.");
console.log('ready {"fake":"1.2.3"}');
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== "go") break;
  const next = samples.shift();
  if (next === "fail") {
    console.error("made up to fail");
    Deno.exit(1);
  }
  console.log("A library says more.");
  console.log(`sample ${next}`);
}
console.log("end 77.5");
Deno.exit(0);
