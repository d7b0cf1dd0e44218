import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Where a libtensorflow was found. */
export interface TensorFlowLibrary {
  /** The library's file. */
  path: string;
  /** Which of the places was it: what a user would have to change to get another one. */
  source: "environment" | "project" | "python";
  /** The Python whose packages hold it, for tests that compare with Keras. */
  python?: string;
  /** The version of its pip package, if the library lies in one. */
  version?: string;
}

/** No libtensorflow was found, or the one found could not be loaded. */
export class TensorFlowNotFoundError extends Error {
  override name = "TensorFlowNotFoundError";
}

/** The environment variable that names a library file, or a folder that holds it. */
export const LIBRARY_VARIABLE = "PNEUMOTHORAX_TENSORFLOW";

/** The project's folder, found from this file's place in it. */
const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The library's file name in the pip wheels of TensorFlow. */
export function libraryFileName(os: typeof Deno.build.os = Deno.build.os): string {
  return os === "darwin" ? "libtensorflow_cc.2.dylib" : "libtensorflow_cc.so.2";
}

/** What {@linkcode findTensorFlow} looks at; tests replace it. */
export interface SearchPlaces {
  /** The value of the environment variable. */
  variable?: string | undefined;
  /** The project's folder; its `.venv` is searched. */
  project?: string;
  /** The Python to ask, or `null` to ask none. */
  python?: string | null;
}

/**
 * Finds libtensorflow: the environment variable `PNEUMOTHORAX_TENSORFLOW` (a file or a folder), the
 * project's `.venv`, then the `python3` on PATH (Kaggle and Colab bring TensorFlow there, matched to
 * their CUDA driver).
 *
 * @throws {TensorFlowNotFoundError} If there is none; the message names the command that installs it.
 */
export function findTensorFlow(places: SearchPlaces = {}): TensorFlowLibrary {
  const variable = "variable" in places ? places.variable : Deno.env.get(LIBRARY_VARIABLE);
  if (variable) return fromVariable(variable);

  const project = places.project ?? PROJECT;
  const own = join(project, ".venv");
  for (const packages of sitePackages(own)) {
    const library = inPackages(packages);
    if (library) return { ...library, source: "project", python: join(own, "bin", "python") };
  }

  const python = places.python === undefined ? "python3" : places.python;
  if (python !== null) {
    for (const packages of packagesOf(python)) {
      const library = inPackages(packages);
      if (library) return { ...library, source: "python", python };
    }
  }
  throw new TensorFlowNotFoundError(
    `Cannot find ${libraryFileName()} as neither ${LIBRARY_VARIABLE}, nor ${own}, nor the ` +
      `python3 on PATH has it. Run "deno task setup" to install it into the project`,
  );
}

function fromVariable(value: string): TensorFlowLibrary {
  const path = isAbsolute(value) ? value : resolve(value);
  const name = libraryFileName();
  const candidates = [
    path,
    join(path, name),
    join(path, "tensorflow", name),
    join(path, "lib", name),
  ];
  const file = candidates.find(isFile);
  if (file === undefined) {
    throw new TensorFlowNotFoundError(
      `Cannot find ${name} as ${LIBRARY_VARIABLE} names neither the file nor a folder that holds ` +
        `it: ${value}`,
    );
  }
  const library = inPackages(dirname(dirname(file)));
  return { ...library, path: file, source: "environment" };
}

function sitePackages(environment: string): string[] {
  const lib = join(environment, "lib");
  try {
    return [...Deno.readDirSync(lib)]
      .filter((entry) => entry.name.startsWith("python"))
      .map((entry) => join(lib, entry.name, "site-packages"));
  } catch {
    return [];
  }
}

/** Asks a Python for its package folders without importing TensorFlow, which would take seconds. */
function packagesOf(python: string): string[] {
  try {
    const { success, stdout } = new Deno.Command(python, {
      args: ["-c", "import sys; print('\\n'.join(sys.path))"],
      stdin: "null",
      stderr: "null",
    }).outputSync();
    return success ? new TextDecoder().decode(stdout).split("\n").filter(Boolean) : [];
  } catch {
    return [];
  }
}

function inPackages(packages: string): { path: string; version?: string } | undefined {
  const path = join(packages, "tensorflow", libraryFileName());
  if (!isFile(path)) return undefined;
  for (const entry of Deno.readDirSync(packages)) {
    const version = /^tensorflow(?:_cpu|_cpu_aws|_macos)?-([\d.]+.*)\.dist-info$/.exec(entry.name);
    if (version?.[1]) return { path, version: version[1] };
  }
  return { path };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
