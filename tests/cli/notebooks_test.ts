import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";

const PROGRAM = new URL("../../src/cli/notebooks.ts", import.meta.url).pathname;

/** A folder with notebooks of one or more cells each, that is removed afterwards. */
async function withFolder(
  notebooks: Record<string, string[]>,
  action: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, sources] of Object.entries(notebooks)) {
      const cells = sources.map((source, index) => ({
        cell_type: "code",
        id: `id-${index}`,
        metadata: {},
        source,
        outputs: [],
        execution_count: null,
      }));
      const notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
      await Deno.writeTextFile(join(folder, name), JSON.stringify(notebook));
    }
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function start(folder: string, args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROGRAM, "--folder", folder, "--data", folder, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(folder: string, args: string[] = []) {
  const { code, stdout, stderr } = await start(folder, args).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("notebooks runs in order with the data's folder, and stops at the first failure", async () => {
  await withFolder({
    "01-one.ipynb": ['console.log(Deno.env.get("PNEUMOTHORAX_DATA"));'],
    "02-two.ipynb": ["const a = 1;", "\n// reads\nthrow new Error(`bad film ${a}`);"],
    "03-three.ipynb": ["console.log('never');"],
  }, async (folder) => {
    const { code, stdout, stderr } = await run(folder);
    assertEquals(code, 1);
    const lines = stdout.trim().split("\n");
    assertEquals(lines.length, 2);
    assertMatch(lines[0] ?? "", /^ok {3}.*01-one\.ipynb \(1 cells, [\d.]+ s\)/);
    assertMatch(lines[1] ?? "", /^FAIL .*02-two\.ipynb \(2 cells, [\d.]+ s\)/);
    assertStringIncludes(stderr, "02-two.ipynb, code cell 2:");
    assertStringIncludes(stderr, "    // reads");
    assertStringIncludes(stderr, "Error: bad film 1");
    const executed = join(folder, "executed");
    assertStringIncludes(await Deno.readTextFile(join(executed, "01-one.ipynb")), folder);
    assertStringIncludes(await Deno.readTextFile(join(executed, "02-two.ipynb")), "bad film 1");
    const names = [...Deno.readDirSync(executed)].map((entry) => entry.name).sort();
    assertEquals(names, ["01-one.ipynb", "02-two.ipynb"]);
    assert(!(await Deno.readTextFile(join(folder, "01-one.ipynb"))).includes("stdout"));
  });
});

Deno.test("notebooks takes names and options, and refuses unknown ones", async () => {
  await withFolder({
    "01-one.ipynb": ['console.log("quick", Deno.env.get("PNEUMOTHORAX_QUICK"));'],
    "02-two.ipynb": ["await new Promise((done) => setTimeout(done, 60_000));"],
  }, async (folder) => {
    const saved = await run(folder, ["01", "--quick", "--save"]);
    assertEquals(saved.code, 0, saved.stderr);
    assertStringIncludes(await Deno.readTextFile(join(folder, "01-one.ipynb")), "quick 1");

    const late = await run(folder, ["02-two.ipynb", "--timeout", "1"]);
    assertEquals(late.code, 1);
    assertStringIncludes(late.stderr, "longer than 1 s");

    for (
      const [args, message] of [
        [["07"], "no name starts so: 07"],
        [["--fast"], "--fast"],
        [["--timeout", "soon"], "must be > 0: soon"],
      ] as const
    ) {
      const refused = await run(folder, [...args]);
      assertEquals(refused.code, 2);
      assertStringIncludes(refused.stderr, message);
    }
  });
});

Deno.test("notebooks lets a cell end in order on SIGINT, keeps its output and exits with 130", async () => {
  await withFolder({
    "01-train.ipynb": [
      `const stop = Promise.withResolvers<void>();
       let signals = 0;
       Deno.addSignalListener("SIGINT", () => { signals++; setTimeout(stop.resolve, 300); });
       await Deno.writeTextFile("started", "");
       await stop.promise;
       console.log("checkpoint after", signals, "signal");`,
    ],
    "02-next.ipynb": ["console.log('never');"],
  }, async (folder) => {
    const process = start(folder, []);
    const output = process.output();
    const until = Date.now() + 20_000;
    while (!await isThere(join(folder, "started")) && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // As from a terminal through `deno task`: twice at nearly the same time.
    process.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.kill("SIGINT");
    const { code, stdout } = await output;
    assertEquals(code, 130);
    assertMatch(new TextDecoder().decode(stdout), /^STOP .*01-train\.ipynb/);
    const notebook = await Deno.readTextFile(join(folder, "executed", "01-train.ipynb"));
    assertStringIncludes(notebook, "checkpoint after 1 signal");
    assertEquals(await isThere(join(folder, "executed", "02-next.ipynb")), false);
  });
});

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
