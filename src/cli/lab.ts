/** Starts JupyterLab with Deno's kernel: `deno task lab`. All arguments go to JupyterLab. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
const ENVIRONMENT = join(PROJECT, ".venv");

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
    try {
      const { success } = await new Deno.Command(python, {
        args: ["-c", "import jupyterlab"],
        stdin: "null",
        stderr: "null",
      }).output();
      if (success) return python;
    } catch {
      // There is no such command.
    }
  }
  throw new Error(
    "Cannot start JupyterLab as neither .venv nor the python3 on PATH has it. Install it with: " +
      "python3 -m pip install jupyterlab",
  );
}

async function main(args: string[]): Promise<number> {
  const python = await findPython();
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
      "--MultiKernelManager.default_kernel_name=deno",
      ...asRoot,
      ...args,
    ],
    cwd: PROJECT,
    env: labEnvironment(),
  }).spawn();
  // The terminal's Ctrl-C reaches JupyterLab too, which asks whether it is meant.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGTERM", () => process.kill("SIGTERM"));
  return (await process.status).code;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args.filter((arg) => arg !== "--")));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
