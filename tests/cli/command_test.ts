import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, UsageError } from "@/cli/command.ts";
import { SetupError } from "@/cli/setup.ts";
import { DatasetError } from "@/data/mod.ts";
import { ExperimentError, RunRecordError } from "@/experiments/mod.ts";
import { KernelError, NotebookError } from "@/jupyter/mod.ts";
import { MissingRunError } from "@/notebook/mod.ts";
import { PhantomError } from "@/phantom/mod.ts";
import { PretrainedError } from "@/pretrained/mod.ts";
import { SiteError } from "@/site/mod.ts";
import { TensorFlowNotFoundError } from "@/tensorflow/mod.ts";
import { CheckpointError } from "@/training/mod.ts";
import { withFolder } from "../data/small_dataset.ts";
import { captured } from "./console.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** A command that counts its words and then ends as a test wants. */
function commandThat(end: () => number | void) {
  return command({
    name: "count",
    help: "Counts words",
    parse(words) {
      if (words.includes("--ill")) throw new TypeError("Unknown option --ill");
      return words;
    },
    run(words) {
      console.log(`${words.length} words`);
      return Promise.resolve(end());
    },
  });
}

const throwing = (error: unknown) => () => {
  throw error;
};

Deno.test("command() answers help, wrong usage and the outcome by its exit code", async () => {
  const ends: [
    args: string[],
    end: () => number | void,
    code: number,
    out: string,
    error: string,
  ][] = [
    [["a", "b"], () => {}, 0, "2 words", ""],
    [["a"], () => 130, 130, "1 words", ""],
    [["--help"], throwing(new Error()), 0, "Counts words", ""],
    [["--ill", "-h"], throwing(new Error()), 0, "Counts words", ""],
    [["--ill"], () => {}, 2, "", "Unknown option --ill\nSee: deno task count --help"],
    [[], throwing(new UsageError("no")), 2, "0 words", "no\nSee: deno task count --help"],
  ];
  for (const [args, end, code, out, error] of ends) {
    assertEquals(await captured(() => commandThat(end)(args)), { code, out, error });
  }
});

const EXPECTED = [
  new CheckpointError("told"),
  new DatasetError("told"),
  new ExperimentError("told", []),
  new Deno.errors.IsADirectory("told"),
  new NotebookError("no notebook"),
  new KernelError("told"),
  new MissingRunError("told"),
  new Deno.errors.NotADirectory("told"),
  new Deno.errors.NotFound("told"),
  new Deno.errors.PermissionDenied("told"),
  new NotebookError("told"),
  new PhantomError("told"),
  new PretrainedError("told"),
  new RangeError("told"),
  new RunRecordError("told"),
  new SetupError("told"),
  new SiteError("told"),
  Object.assign(new Error("told"), { code: "ENOSPC" }),
  new TensorFlowNotFoundError("told"),
];
for (const thrown of EXPECTED) {
  Deno.test(`command() shows the message of a ${thrown.constructor.name} without a stack`, async () => {
    const { code, error } = await captured(() => commandThat(throwing(thrown))([]));
    assertEquals([code, error], [1, thrown.message]);
  });
}

Deno.test("command() shows a defect with its stack", async () => {
  for (const defect of [new TypeError("x is undefined"), new Error("odd")]) {
    const { code, error } = await captured(() => commandThat(throwing(defect))([]));
    assertEquals(code, 1);
    assertStringIncludes(error, `${defect.message}\n    at `);
    assertStringIncludes(error, "Please report it, with what `deno task doctor` prints");
  }
});

/** Runs a task where there is no TensorFlow. */
async function withoutTensorFlow(task: string, args: string[], runs: string) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", join(PROJECT, "src", "cli", `${task}.ts`), ...args],
    env: { NO_COLOR: "1", PNEUMOTHORAX_TENSORFLOW: "/no/such/library", PNEUMOTHORAX_RUNS: runs },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

const MISSING =
  "as PNEUMOTHORAX_TENSORFLOW names neither the file nor a folder that holds it: /no/such/library\n";

const CALLS: [task: string, args: string[], code: number, says: string][] = [
  ["train", ["--help"], 0, "Usage: deno task train"],
  ["train", ["phantom/1-128", "--dry-run"], 1, MISSING],
  ["train", ["phantom/1-128"], 1, MISSING],
  ["weights", ["any.h5", "--encoder", "resnet34"], 1, MISSING],
  ["predict", ["--help"], 0, "Usage: deno task predict"],
  ["fit", ["--help"], 0, "Usage: deno task fit"],
];
for (const [task, args, code, says] of CALLS) {
  Deno.test(`${task} ${args.join(" ")} without TensorFlow ends with ${code}, without a stack`, () =>
    withFolder(async (runs) => {
      const result = await withoutTensorFlow(task, args, runs);
      assertEquals(result.code, code, result.error);
      assertStringIncludes(code === 0 ? result.out : result.error, says);
      assert(!/^\s+at /m.test(result.error), result.error);
    }));
}
