/**
 * Installs pydicom and its test files beside the tests, for pydicom_test.ts:
 * `deno task pydicom`. About 90 MB; a second run finds them and is done at once.
 *
 * Not part of `deno task setup`: nobody needs them to use the project.
 */
import { join } from "node:path";
import { sha256, writeFileAtomic } from "@/files/mod.ts";
import { findTensorFlow } from "@/tensorflow/library.ts";
import { pydicomFolder } from "./pydicom.ts";

const TRIES = 3;
const MINUTES = 3;
const requirements = join(import.meta.dirname!, "pydicom_requirements.lock");

/** The environment has numpy already, so pip brings no dependencies; and nothing is compiled. */
async function install(python: string): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command(python, {
    args: [
      ...["-m", "pip", "install", "--disable-pip-version-check", "--no-input"],
      ...["--timeout=60", "--progress-bar=off", "--no-deps", "--only-binary=:all:", "--upgrade"],
      ...["--require-hashes", "--target", pydicomFolder, "-r", requirements],
    ],
    stdin: "null",
    signal: AbortSignal.timeout(MINUTES * 60_000),
  }).output();
  if (success) return undefined;
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const stamp = join(pydicomFolder, "setup.txt");
const key = sha256(await Deno.readTextFile(requirements));
if (await Deno.readTextFile(stamp).catch(() => "") === key) {
  console.log("pydicom's files are there.");
  Deno.exit(0);
}
const python = findTensorFlow().python;
if (python === undefined) {
  console.error("Cannot install pydicom as there is no Python: run deno task setup");
  Deno.exit(1);
}
for (let attempt = 1; attempt <= TRIES; attempt++) {
  const failure = await install(python);
  if (failure === undefined) {
    await writeFileAtomic(stamp, key);
    console.log("pydicom's files are there.");
    Deno.exit(0);
  }
  console.error(`Try ${attempt} of ${TRIES} failed:\n${failure.split("\n").slice(-10).join("\n")}`);
}
console.error("Cannot install pydicom: the tests with its files will be ignored");
Deno.exit(1);
