import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256, writeFileAtomic } from "@/files/mod.ts";
import { exists, runWithRetries } from "../../src/cli/setup.ts";
// Not through the door: that would load TensorFlow.
import { findTensorFlow } from "../../src/tensorflow/library.ts";

const ENVIRONMENT = fileURLToPath(new URL("../../.venv-bench", import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL("peers/requirements.lock", import.meta.url));
/** Says what is installed; written last. */
const STAMP = join(ENVIRONMENT, "bench.json");

const PIP_MINUTES = 15;

/**
 * Makes the Python environment of the peers, `.venv-bench`, unless it is there. It takes Keras and
 * TensorFlow from the environment whose libtensorflow this project runs on: both sides have the same.
 *
 * @returns Its Python.
 */
export async function installPeers(): Promise<string> {
  const python = join(ENVIRONMENT, "bin", "python");
  const { python: base } = findTensorFlow();
  if (!base) {
    throw new Error(
      "Cannot install the peers as the libtensorflow in use belongs to no Python: they need its " +
        "Keras. Unset PNEUMOTHORAX_TENSORFLOW",
    );
  }
  const stamp = sha256(JSON.stringify([base, await Deno.readTextFile(REQUIREMENTS)]));
  if (await Deno.readTextFile(STAMP).catch(() => "") === stamp && await exists(python)) {
    return python;
  }
  console.error("Installing the peers into .venv-bench (about 700 MB, once) ...");
  await runWithRetries(base, ["-m", "venv", "--clear", ENVIRONMENT], 5, {
    failure: "Cannot make a Python environment",
  });
  await sharePackages(base, python);
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
  const options = ["--timeout=60", "--progress-bar=off", "--require-hashes", "-r", REQUIREMENTS];
  await runWithRetries(python, [...pip, ...options], PIP_MINUTES, {
    failure: "Cannot install the peers",
  });
  await writeFileAtomic(STAMP, stamp);
  return python;
}

/** Lets one environment see the packages of another, which come after its own. */
async function sharePackages(from: string, to: string): Promise<void> {
  const folders = await sitePackages(from);
  const [own] = await sitePackages(to);
  await writeFileAtomic(join(own!, "tensorflow.pth"), folders.join("\n") + "\n");
}

async function sitePackages(python: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(python, {
    args: ["-c", "import site; print('\\n'.join(site.getsitepackages()))"],
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}
