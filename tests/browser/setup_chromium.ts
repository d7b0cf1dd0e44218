/**
 * Installs Debian's or Ubuntu's Chromium, for the tests in a browser: `deno task chromium`. About
 * 350 MB; where there is a Chromium or Chrome already, it is done at once.
 *
 * Not part of `deno task setup`: nobody needs it to use the project.
 */
import { CHROMIUM } from "./find_chromium.ts";

const TRIES = 2;
const MINUTES = 3;

/** Runs a command of apt and returns what it says if it fails. */
async function apt(...args: string[]): Promise<string | undefined> {
  const line = ["apt-get", ...args];
  const [command, ...rest] = Deno.uid() === 0 ? line : ["sudo", "-n", ...line];
  try {
    const { success, stdout, stderr } = await new Deno.Command(command!, {
      args: rest,
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      signal: AbortSignal.timeout(MINUTES * 60_000),
    }).output();
    if (success) return undefined;
    const text = new TextDecoder();
    return (text.decode(stdout) + text.decode(stderr)).trim().split("\n").slice(-5).join("\n");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no ${command}`;
    throw error;
  }
}

if (CHROMIUM !== undefined) {
  console.log(`Chromium is there: ${CHROMIUM}`);
  Deno.exit(0);
}
let failure: string | undefined;
for (let attempt = 1; attempt <= TRIES; attempt++) {
  failure = await apt("update") ??
    await apt("install", "--yes", "--no-install-recommends", "chromium");
  if (failure === undefined) Deno.exit(0);
  console.error(`Try ${attempt} of ${TRIES} failed: ${failure}`);
  if (/^there is no /.test(failure)) break;
}
console.error(
  "Cannot install Chromium: the tests in a browser will be ignored. Install Chromium or Chrome by " +
    "hand, or name it with PNEUMOTHORAX_CHROMIUM",
);
Deno.exit(1);
