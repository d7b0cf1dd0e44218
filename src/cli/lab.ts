/** Starts JupyterLab with Deno's kernel: `deno task lab`. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { commandOutput } from "@/doctor/mod.ts";
import { exists, writeFileAtomic } from "@/files/mod.ts";
import { command } from "./command.ts";
import { SetupError } from "./setup.ts";

const HELP = `Opens JupyterLab with Deno's kernel, on a page that tells what to run first.

Usage: deno task lab [JUPYTERLAB_OPTION ...]

  deno task lab
  deno task lab --no-browser --port=8890   on another machine, reached with: ssh -L 8890:localhost:8890
  PNEUMOTHORAX_DATA=/data/siim PNEUMOTHORAX_CHAIN=siim deno task lab

Options:
  --help  shows this; all other options go to JupyterLab

Everything stays inside the project's folder. Ctrl-C ends it. Exit code: that of JupyterLab, or 1 if it
cannot be started.`;

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
const ENVIRONMENT = join(PROJECT, ".venv");
const NOTEBOOKS = join(PROJECT, "notebooks");
const INDEX = "index.md";
/** How long JupyterLab may take to end its kernels. */
const SECONDS_TO_END = 10;

/** Runs the command and returns its exit code. */
export const main = command({
  name: "lab",
  help: HELP,
  parse: (args) => args.filter((arg) => arg !== "--"),
  run: lab,
});

/** Keeps what Jupyter writes inside the project; the kernel that setup registered is there too. */
export function labEnvironment(): Record<string, string> {
  const data = join(ENVIRONMENT, "share", "jupyter");
  return {
    JUPYTER_DATA_DIR: data,
    JUPYTER_RUNTIME_DIR: join(data, "runtime"),
    JUPYTER_CONFIG_DIR: join(ENVIRONMENT, "etc", "jupyter"),
    IPYTHONDIR: join(ENVIRONMENT, "ipython"),
  };
}

/** The project's Python, or on machines that bring their own TensorFlow the one on PATH. */
async function findPython(): Promise<string> {
  for (const python of [join(ENVIRONMENT, "bin", "python"), "python3"]) {
    if (await commandOutput(python, ["-c", "import jupyterlab"]) !== undefined) return python;
  }
  throw new SetupError(
    "Cannot start JupyterLab as neither .venv nor the python3 on PATH has it. Install it with: " +
      "python3 -m pip install jupyterlab",
  );
}

/** Writes the page that JupyterLab opens on, and returns its address within JupyterLab. */
async function writeIndex(): Promise<string> {
  const { labIndex } = await import("@/site/mod.ts");
  const { datasetRoot } = await import("@/data/mod.ts");
  const table = join(datasetRoot(), "train-rle.csv");
  const hasData = await exists(table).catch(() => false); // a page can be shown all the same
  await writeFileAtomic(join(NOTEBOOKS, INDEX), await labIndex(NOTEBOOKS, hasData));
  return `/lab/tree/notebooks/${INDEX}`;
}

/** Other defaults for JupyterLab; what a user sets in its menus goes before them. */
const SETTINGS = {
  "@jupyterlab/docmanager-extension:plugin": { defaultViewers: { markdown: "Markdown Preview" } },
  // Nothing is asked of the network.
  "@jupyterlab/apputils-extension:notification": { checkForUpdates: false, fetchNews: "false" },
};

async function writeSettings(): Promise<void> {
  const path = join(labEnvironment()["JUPYTER_CONFIG_DIR"]!, "labconfig", SETTINGS_FILE);
  await writeFileAtomic(path, JSON.stringify(SETTINGS, null, 2) + "\n");
}

const SETTINGS_FILE = "default_setting_overrides.json";

async function lab(args: string[]): Promise<number> {
  const python = await findPython();
  await writeSettings();
  // Jupyter refuses to run as root, the usual user in containers, unless told so.
  const asRoot = Deno.uid() === 0 ? ["--allow-root"] : [];
  const process = new Deno.Command(python, {
    args: [
      "-m",
      "jupyterlab",
      `--ServerApp.root_dir=${PROJECT}`,
      // Jupyter's own defaults, which a configuration of the machine may have changed: nobody connects
      // from elsewhere. The token that it asks for is drawn anew at each start.
      "--ServerApp.ip=127.0.0.1",
      "--ServerApp.allow_remote_access=False",
      "--KernelManager.ip=127.0.0.1",
      `--LabApp.default_url=${await writeIndex()}`,
      "--MultiKernelManager.default_kernel_name=deno",
      ...asRoot,
      ...args,
    ],
    cwd: PROJECT,
    env: labEnvironment(),
  }).spawn();
  let killer: ReturnType<typeof setTimeout> | undefined;
  // The terminal's Ctrl-C reaches JupyterLab too, which asks whether it is meant.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGTERM", () => {
    process.kill("SIGTERM");
    // It has been seen to go on for ever when a kernel was just starting.
    killer ??= setTimeout(() => process.kill("SIGKILL"), SECONDS_TO_END * 1000);
  });
  const { code } = await process.status;
  clearTimeout(killer);
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
