import { createInterface } from "node:readline";
import process from "node:process";
import { tensorflowVersion } from "@/tensorflow/mod.ts";

/** The largest resident memory of this process so far, in MiB. */
export function peakMemory(): number {
  return memoryOf("VmHWM");
}

/** The resident memory of this process, in MiB. */
export function memoryNow(): number {
  return memoryOf("VmRSS");
}

function memoryOf(field: string): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  const kibibytes = new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1];
  return Number(kibibytes) / 1024;
}

/** Our side of the line protocol that `contestant.ts` describes: answers each "go" with one sample. */
export async function serve(sample: () => Promise<number> | number): Promise<void> {
  const versions = { deno: Deno.version.deno, tensorflow: tensorflowVersion };
  console.log(`ready ${JSON.stringify(versions)}`);
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== "go") break;
    console.log(`sample ${await sample()}`);
  }
  console.log(`end ${peakMemory()}`);
  Deno.exit(0); // threads of TensorFlow and of decoders would keep it alive
}

/** Milliseconds that some work takes, divided by how often it does the same. */
export async function milliseconds(work: () => unknown, repeats = 1): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < repeats; i++) await work();
  return (performance.now() - started) / repeats;
}
