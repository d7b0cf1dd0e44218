import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { main as fitMain } from "@/cli/fit.ts";
import { main as predictMain } from "@/cli/predict.ts";
import { readRun, runFile } from "@/experiments/mod.ts";
import { ruleText } from "@/postprocessing/mod.ts";
import { writeFilm } from "../data/small_dataset.ts";
import { tinyExperiment, writeRun, writeSmallDataset } from "../postprocessing/trained_runs.ts";
import { captured } from "./console.ts";
import { withRuns } from "./with_runs.ts";

const fit = (...args: string[]) => captured(() => fitMain(args));
const predict = (...args: string[]) => captured(() => predictMain(args));

Deno.test("fit records a rule, and predict uses it for exactly those models", () =>
  withRuns(async (folder) => {
    const root = join(folder, "films");
    await writeSmallDataset(root);
    const experiment = await tinyExperiment(
      "postprocessing={ rule: threshold, flip: false, threshold: 0, minimumArea: 0 }",
    );
    const { id } = await writeRun(experiment, root, { final: 1, "best-dice": 2 });
    const both = ["--run", experiment.name, "--run", `${id}@best-dice`];

    const fitted = await fit(...both, "--data", root);
    assertEquals(fitted.code, 0, fitted.error);
    const { postprocessing } = await readRun(id);
    const { films, rule, dice, steps } = postprocessing[0]!;
    assertEquals(postprocessing.length, 1);
    const table = steps.map(({ name, before, after, kept }) =>
      `${name.padEnd(10)}  ${before.toFixed(4)} -> ${after.toFixed(4)}  ` +
      (kept ? "kept" : "not kept")
    );
    assertEquals(fitted.out.split("\n"), [
      ...table,
      `dice ${dice.toFixed(4)} on these ${films} films: ${ruleText(rule)}`,
      `recorded: ${runFile(id)}`,
    ]);

    const some = join(folder, "some");
    await writeFilm(some, "test", { imageId: "one" });
    const start = [some, "--output", join(folder, "result")];
    const ofExperiment = "rule of phantom/1-128: threshold 0";
    const ofFit = `rule fitted to ${films} films (dice ${dice.toFixed(3)}): ${ruleText(rule)}`;
    const calls: [args: string[], code: number, says: string][] = [
      [both, 0, ofFit],
      [[...both, "--rule", "fitted"], 0, ofFit],
      [[...both, "--rule", "experiment"], 0, ofExperiment],
      [["--run", id], 0, ofExperiment],
      [
        ["--run", id, "--rule", "fitted"],
        1,
        `none was fitted to these models. Fit one: deno task fit --run ${id}@final`,
      ],
    ];
    for (const [args, code, says] of calls) {
      const result = await predict(...start, ...args);
      assertEquals(result.code, code, result.error);
      const lines = (code === 0 ? result.out : result.error).split("\n");
      assert(lines.some((line) => line.endsWith(says)), `${says}: ${lines.join("\n")}`);
      // Every pixel exceeds the experiment's threshold of 0, none the fitted one.
      if (code === 0) assertStringIncludes(result.out, says === ofFit ? " 0 with" : " 1 with");
    }
  }));

Deno.test("fit and predict tell what is wrong with the models, without a stack", () =>
  withRuns(async (folder) => {
    const root = join(folder, "films");
    await writeSmallDataset(root);
    const experiment = await tinyExperiment();
    const { id } = await writeRun(experiment, root, { final: 1 });
    const other = await tinyExperiment("data.split.seed=5");
    const { id: otherId } = await writeRun(other, root, { final: 1 });
    const { id: stopped } = await writeRun(experiment, root, { last: 1 }, { finished: false });
    const others = join(folder, "others");
    await writeSmallDataset(others);
    const table = join(others, "train-rle.csv");
    const text = await Deno.readTextFile(table);
    await Deno.writeTextFile(table, text.replace("film-1, -1", "film-1, 1 1"));
    const data = ["--data", root];
    const calls: [run: typeof fit, args: string[], code: number, says: string][] = [
      [fit, ["--help"], 0, "Usage: deno task fit --run RUN"],
      [fit, [], 2, "no trained model is named: add --run RUN\nSee: deno task fit --help"],
      [fit, [id, ...data], 2, "positional"],
      [fit, ["--runs", id], 2, "--runs"],
      [fit, ["--run", "no/such", ...data], 1, "(there are: phantom/1-128): no/such"],
      [fit, ["--run", stopped, ...data], 1, `has no checkpoint "final" (there are: last; its`],
      [fit, ["--run", `${stopped}@last`, ...data], 1, "is not finished: interrupted"],
      [fit, ["--run", `${id}@finl`, ...data], 1, `did you mean "final"?`],
      [fit, ["--run", id, "--run", otherId, ...data], 1, "splits that share validation films"],
      [fit, ["--run", id, "--data", others], 1, "was trained on other films than those in"],
      [fit, ["--run", id, "--data", join(folder, "no")], 1, "its folder is missing"],
      [predict, [root, "--run", `${id}@swa`], 1, `has no checkpoint "swa"`],
      [predict, [root, "--run", id, "--rule", "best"], 2, "--rule must be fitted or experiment"],
    ];
    for (const [run, args, code, says] of calls) {
      const result = await run(...args);
      assertEquals(result.code, code, `${args.join(" ")}: ${result.error}`);
      assertStringIncludes(code === 0 ? result.out : result.error, says);
      assert(!/^\s+at /m.test(result.error), "no stack trace");
    }
    assertEquals((await readRun(id)).postprocessing, []);
  }));
