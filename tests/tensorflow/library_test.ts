import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join, resolve } from "node:path";
import { findTensorFlow, libraryFileName, TensorFlowNotFoundError } from "@/tensorflow/library.ts";

const ROOT = resolve(import.meta.dirname!, "..", "..");
const NAME = libraryFileName();

/** Runs a test in a folder of its own, with the name of a Python that does not exist. */
function inFolder(run: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    run(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Makes an empty file, with its folders, that has the library's name. */
function makeLibrary(...parts: string[]): string {
  const folder = join(...parts);
  Deno.mkdirSync(folder, { recursive: true });
  const path = join(folder, NAME);
  Deno.writeTextFileSync(path, "");
  return path;
}

/** Makes a virtual environment's package folder. */
function packagesIn(project: string): string {
  return join(project, ".venv", "lib", "python3.12", "site-packages");
}

/** Makes a program that answers as Python does when it is asked for its package folders. */
function makePython(folder: string, packages: string): string {
  const path = join(folder, "python3");
  Deno.writeTextFileSync(path, `#!/bin/sh\necho /nowhere\necho '${packages}'\n`, { mode: 0o755 });
  return path;
}

Deno.test("libraryFileName() follows the operating system", () => {
  assertEquals(libraryFileName("linux"), "libtensorflow_cc.so.2");
  assertEquals(libraryFileName("darwin"), "libtensorflow_cc.2.dylib");
});

Deno.test("findTensorFlow() takes the file or the folder that the environment names", () => {
  inFolder((folder) => {
    const path = makeLibrary(folder, "site-packages", "tensorflow");
    Deno.mkdirSync(join(folder, "site-packages", "tensorflow_cpu-2.21.0.dist-info"));
    const bare = makeLibrary(folder, "sdk", "lib");
    makeLibrary(packagesIn(folder), "tensorflow");
    const cases: [variable: string, path: string, version: string | undefined][] = [
      [path, path, "2.21.0"],
      [join(folder, "site-packages", "tensorflow"), path, "2.21.0"],
      [join(folder, "site-packages"), path, "2.21.0"],
      [join(folder, "sdk"), bare, undefined],
    ];
    for (const [variable, expected, version] of cases) {
      const found = findTensorFlow({ variable, project: folder, python: null });
      assertEquals([found.path, found.source], [expected, "environment"]);
      assertEquals(found.version, version);
    }
  });
});

Deno.test("findTensorFlow() refuses an environment variable that names no library", () => {
  inFolder((folder) => {
    makeLibrary(packagesIn(folder), "tensorflow");
    for (const variable of [join(folder, "missing"), folder]) {
      assertThrows(
        () => findTensorFlow({ variable, project: folder, python: null }),
        TensorFlowNotFoundError,
        `as PNEUMOTHORAX_TENSORFLOW names neither the file nor a folder that holds it: ${variable}`,
      );
    }
  });
});

Deno.test("findTensorFlow() prefers the project's packages to those of Python", () => {
  inFolder((folder) => {
    const elsewhere = join(folder, "elsewhere");
    const theirs = makeLibrary(elsewhere, "tensorflow");
    const python = makePython(folder, elsewhere);
    for (const variable of [undefined, ""]) {
      assertEquals(findTensorFlow({ variable, project: folder, python }), {
        path: theirs,
        source: "python",
        python,
      });
    }
    const own = makeLibrary(packagesIn(folder), "tensorflow");
    Deno.mkdirSync(join(packagesIn(folder), "tensorflow-2.19.1.dist-info"));
    Deno.mkdirSync(join(packagesIn(folder), "tensorflow_datasets-4.9.0.dist-info"));
    assertEquals(findTensorFlow({ variable: undefined, project: folder, python }), {
      path: own,
      source: "project",
      python: join(folder, ".venv", "bin", "python"),
      version: "2.19.1",
    });
  });
});

Deno.test("findTensorFlow() names the command that installs it when there is none", () => {
  inFolder((folder) => {
    const failing = join(folder, "failing");
    Deno.writeTextFileSync(failing, "#!/bin/sh\necho /nowhere\nexit 1\n", { mode: 0o755 });
    for (const python of [null, "no-such-python", failing, makePython(folder, folder)]) {
      const error = assertThrows(
        () => findTensorFlow({ variable: undefined, project: folder, python }),
        TensorFlowNotFoundError,
        'Run "deno task setup"',
      );
      assertStringIncludes(error.message, join(folder, ".venv"));
      assertStringIncludes(error.message, NAME);
    }
  });
});

/** Runs TypeScript in a process of its own. */
async function child(code: string, env: Record<string, string> = {}) {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", code],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("the module starts without a word on standard error", async () => {
  const { success, stdout, stderr } = await child(
    `import { tf } from "@/tensorflow/mod.ts"; console.log(tf.add(1, 2).dataSync()[0]);`,
  );
  assertEquals([stdout, stderr, success], ["3\n", "", true]);
});

Deno.test("the module refuses a missing, a broken and a wrong library, and wrong threads", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const broken = makeLibrary(folder);
    const start = `import "@/tensorflow/mod.ts"`;
    const [missing, notLoaded, threads] = await Promise.all([
      child(start, { PNEUMOTHORAX_TENSORFLOW: join(folder, "missing") }),
      child(start, { PNEUMOTHORAX_TENSORFLOW: broken }),
      child(start, { PNEUMOTHORAX_THREADS: "many" }),
    ]);
    assert(!missing.success);
    assertStringIncludes(missing.stderr, `TensorFlowNotFoundError: Cannot find ${NAME}`);
    assert(!notLoaded.success);
    assertStringIncludes(notLoaded.stderr, `TensorFlowNotFoundError: Cannot load ${broken} as`);
    assertStringIncludes(notLoaded.stderr, 'Run "deno task setup"');
    assert(!threads.success);
    assertStringIncludes(threads.stderr, "PNEUMOTHORAX_THREADS must be a positive integer: many");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
