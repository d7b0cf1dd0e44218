/** What a user may expect of every task, whatever it does. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
// Some tasks load their libraries, and leave them loaded after the test.
import "@/dicom/mod.ts";
import "@/tensorflow/mod.ts";
import { captured } from "./console.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

interface Task {
  description?: string;
  command: string;
}

const { tasks } = JSON.parse(await Deno.readTextFile(join(PROJECT, "deno.json"))) as {
  tasks: Record<string, Task>;
};

/** Programs of the command line, and those of the tests that take arguments. */
const PROGRAM = /^deno run -A ((?:src\/cli\/|tests\/(?:bench|fuzz)\/)\S+\.ts)$/;
const PROGRAMS = Object.entries(tasks).flatMap(([name, { command }]) => {
  const file = PROGRAM.exec(command)?.[1];
  return file === undefined ? [] : [{ name, file }];
});

async function call(file: string, args: string[]) {
  const { main } = await import(join(PROJECT, file)) as {
    main: (args: string[]) => Promise<number>;
  };
  return await captured(() => main(args));
}

Deno.test("each task says in a line what it does", () => {
  for (const [name, { description = "" }] of Object.entries(tasks)) {
    assertMatch(description, /^[A-Z].{10,88}[^.]$/, name);
  }
  assertEquals(PROGRAMS.length >= 14, true, "the programs are found");
});

for (const { name, file } of PROGRAMS) {
  Deno.test(`deno task ${name} --help tells options, examples and exit codes`, async () => {
    const { code, out, error } = await call(file, ["--help"]);
    assertEquals([code, error], [0, ""]);
    assertStringIncludes(out, `Usage: deno task ${name}`);
    assertMatch(out, new RegExp(`\\n {2}([A-Z_]+=\\S+ )*deno task ${name}`), "an example");
    assertMatch(out, /\n {2}--help/);
    assertMatch(out, /Exit\s+code: /);
    for (const line of out.split("\n")) assert(line.length <= 105, `too long: ${line}`);
  });

  if (name === "lab") continue; // hands its options on to JupyterLab
  Deno.test(`deno task ${name} refuses an option that it does not have`, async () => {
    const { code, out, error } = await call(file, ["--no-such-option"]);
    assertEquals([code, out], [2, ""]);
    assertStringIncludes(error, "--no-such-option");
    assertEquals(error.split("\n").at(-1), `See: deno task ${name} --help`);
    assert(!/^\s+at /m.test(error), error);
  });
}

const NO = "/no/such/folder";

const MISTAKES: [task: string, args: string[], code: number, says: string][] = [
  ["setup", ["--timeout", "0"], 2, "must be > 0: 0"],
  ["notebooks", ["--timeout", "soon"], 2, "must be > 0: soon"],
  ["notebooks", ["99"], 2, "There are: 01-data-exploration.ipynb, 02"],
  ["notebooks", ["--folder", NO], 1, NO],
  ["notebooks", ["--data", NO], 1, `the data set is no folder: ${NO}`],
  ["notebooks", ["--chain", "simm"], 2, "There are: ablation, own, phantom, siim"],
  ["html", ["--folder", NO], 1, "cannot be read"],
  ["phantom", ["--train", "many"], 2, '--train must be a whole number: it is "many"'],
  ["phantom", ["--difficulty", "hard"], 2, "--difficulty must be clear or realistic: it is hard"],
  ["phantom", ["--directory", "/proc/x", "--train", "2"], 1, "/proc/x"],
  ["prepare", ["--data", NO], 1, `its folder is missing: ${NO}`],
  ["prepare", ["--data", join(PROJECT, "deno.json")], 1, "deno.json"],
  ["prepare", ["--size", "0"], 2, "0"],
  ["train", [], 2, "no experiment is named"],
  ["train", ["phantom/1-129"], 1, 'did you mean "phantom/1-128"?'],
  ["runs", ["--status", "done"], 2, "done"],
  ["runs", ["--repeat", "none"], 1, "none"],
  ["fit", [], 2, "add --run RUN"],
  ["fit", ["--run", "none"], 1, "none"],
  ["predict", [], 2, "one folder must be named"],
  ["predict", [NO, "--run", "none"], 1, "none"],
  ["weights", ["a.h5"], 2, "--encoder"],
  ["weights", [`${NO}/a.h5`, "--encoder", "resnet34"], 1, `${NO}/a.h5`],
  ["weights", [join(PROJECT, "deno.json"), "--encoder", "resnet34"], 1, "deno.json"],
  ["ablation", ["--seeds", "0"], 2, "from 1 to 99: 0"],
  ["bench", ["no_such_row"], 2, "no_such_row"],
  ["fuzz", ["--input", "1"], 2, "--input needs --target"],
];
for (const [task, args, code, says] of MISTAKES) {
  const name = args.map((arg) => arg.replace(PROJECT, "")).join(" ");
  Deno.test(`deno task ${task} ${name} ends with ${code}, and says why`, async () => {
    const { file } = PROGRAMS.find((program) => program.name === task)!;
    const runs = Deno.env.get("PNEUMOTHORAX_RUNS");
    Deno.env.set("PNEUMOTHORAX_RUNS", NO);
    try {
      const result = await call(file, args);
      assertEquals(result.code, code, result.error);
      assertStringIncludes(result.error, says);
      assert(!/^\s+at |file:\/\//m.test(result.error), result.error);
      assert(result.error.split("\n").length <= 4, result.error);
    } finally {
      if (runs === undefined) Deno.env.delete("PNEUMOTHORAX_RUNS");
      else Deno.env.set("PNEUMOTHORAX_RUNS", runs);
    }
  });
}
