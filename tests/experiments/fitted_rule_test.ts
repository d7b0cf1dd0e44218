import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { sha256 } from "@/files/mod.ts";
import {
  type CheckpointName,
  describeMember,
  findFittedRule,
  findMember,
  type FittedRule,
  loadExperiment,
  type Member,
  readRun,
  recordFittedRule,
  type Run,
  runFile,
  RunRecord,
  RunRecordError,
} from "@/experiments/mod.ts";
import { withFolder } from "../data/small_dataset.ts";

const EXPERIMENT = await loadExperiment("phantom/1-128", { quick: false });
const DATA = {
  root: "films",
  hash: sha256("films"),
  films: { train: 2, validation: 2, test: 0 },
  excluded: [],
};

/** Starts a run that has these checkpoints; some may go by several names. */
async function startRun(
  runs: string,
  contents: Partial<Record<CheckpointName, string>>,
): Promise<RunRecord> {
  const record = await RunRecord.start({ experiment: EXPERIMENT, data: DATA, runs });
  for (const [name, content] of Object.entries(contents)) {
    await record.checkpoint(name as CheckpointName, {
      file: `${content}.safetensors`,
      sha256: sha256(content),
      epoch: 1,
      value: null,
    });
  }
  return record;
}

async function finishedRun(
  runs: string,
  contents: Partial<Record<CheckpointName, string>>,
): Promise<Run> {
  const record = await startRun(runs, contents);
  await record.finish();
  return record.run;
}

function fittedTo(members: readonly Member[], dice = 0.75): FittedRule {
  return {
    fitted: "2026-01-02T03:04:05.678Z",
    members: members.map(describeMember),
    films: 36,
    rule: {
      rule: "triplet",
      flip: true,
      top: 0.8,
      area: 500,
      bottom: 0.4,
      bySex: { M: 0.3, F: 0.5 },
    },
    dice,
    steps: [
      { name: "flip", before: 0.5, after: dice, kept: true },
      { name: "threshold", before: dice, after: 0.7, kept: false },
    ],
  };
}

Deno.test("recordFittedRule() adds the rule to the first run's record, and leaves all else", () =>
  withFolder(async (runs) => {
    const first = await finishedRun(runs, { final: "a" });
    const second = await finishedRun(runs, { final: "b" });
    assertEquals(first.postprocessing, []);
    const members: Member[] = [first, second].map((run) => ({ run, checkpoint: "final" }));
    const fitted = fittedTo(members);
    const before = await Deno.readTextFile(runFile(first.id, runs));
    const changed = await recordFittedRule(fitted, runs);
    assertEquals(changed, { ...first, postprocessing: [fitted] });
    assertEquals(await readRun(first.id, runs), changed);
    assertEquals(await readRun(second.id, runs), second);
    assertEquals([...Deno.readDirSync(`${runs}/${first.id}`)].map(({ name }) => name), [
      "run.yaml",
    ]);

    const after = await Deno.readTextFile(runFile(first.id, runs));
    const [head, tail] = before.split("postprocessing: []\n");
    assertEquals([after.startsWith(head!), after.endsWith(tail!)], [true, true]);
    assertStringIncludes(after, "- {name: flip, before: 0.5, after: 0.75, kept: true}\n");
    assertStringIncludes(after, "- {name: threshold, before: 0.75, after: 0.7, kept: false}\n");
  }));

Deno.test("recordFittedRule() replaces the rule of the same members, and keeps those of others", () =>
  withFolder(async (runs) => {
    const run = await finishedRun(runs, { final: "a", swa: "a", "best-dice": "b" });
    const alone: Member[] = [{ run, checkpoint: "final" }];
    const both: Member[] = [{ run, checkpoint: "final" }, { run, checkpoint: "best-dice" }];
    await recordFittedRule(fittedTo(alone, 0.6), runs);
    await recordFittedRule(fittedTo(both, 0.8), runs);
    // The same weights by another name, in another order.
    const again: Member[] = [{ run, checkpoint: "best-dice" }, { run, checkpoint: "swa" }];
    const { postprocessing } = await recordFittedRule(fittedTo(again, 0.9), runs);
    assertEquals(postprocessing, [fittedTo(alone, 0.6), fittedTo(again, 0.9)]);
  }));

Deno.test("recordFittedRule() refuses runs that are not finished, and rules that could not be read", () =>
  withFolder(async (runs) => {
    const ends: [status: string, end: (record: RunRecord) => Promise<void>][] = [
      ["running", () => Promise.resolve()],
      ["interrupted", (record) => record.interrupt()],
      ["failed", (record) => record.fail(new Error("no"))],
    ];
    for (const [status, end] of ends) {
      const record = await startRun(runs, { final: "a" });
      await end(record);
      const before = await Deno.readTextFile(runFile(record.id, runs));
      const fitted = fittedTo([{ run: record.run, checkpoint: "final" }]);
      await assertRejects(
        () => recordFittedRule(fitted, runs),
        RunRecordError,
        `the run ${record.id} as it is not finished: ${status}`,
      );
      assertEquals(await Deno.readTextFile(runFile(record.id, runs)), before);
    }
    const run = await finishedRun(runs, { final: "a" });
    const good = fittedTo([{ run, checkpoint: "final" }]);
    const ill: [FittedRule, string][] = [
      [{ ...good, dice: 1.5 }, "postprocessing.0.dice"],
      [{ ...good, films: 0 }, "postprocessing.0.films"],
      [{ ...good, fitted: "today" }, "postprocessing.0.fitted"],
      [{ ...good, rule: { ...good.rule, flip: 1 } as never }, "postprocessing.0.rule"],
    ];
    for (const [fitted, field] of ill) {
      await assertRejects(() => recordFittedRule(fitted, runs), TypeError, field);
    }
    assertEquals(await readRun(run.id, runs), run);
    const lost = { ...good, members: [{ ...good.members[0]!, run: "lost" }] };
    await assertRejects(() => recordFittedRule(lost, runs), RunRecordError, "no such file");
  }));

Deno.test("readRun() reads records that are older than fitted rules", () =>
  withFolder(async (runs) => {
    const run = await finishedRun(runs, { final: "a" });
    const path = runFile(run.id, runs);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace("postprocessing: []\n", ""));
    assertEquals(await readRun(run.id, runs), run);
  }));

Deno.test("findFittedRule() finds the rule of exactly these members, in any order", () =>
  withFolder(async (runs) => {
    const contents = { final: "a", swa: "a", "best-dice": "b" };
    const first = await finishedRun(runs, contents);
    const second = await finishedRun(runs, contents);
    const of = (run: Run, checkpoint: CheckpointName = "final"): Member => ({ run, checkpoint });
    const fitted = fittedTo([of(first), of(second)]);
    const changed = await recordFittedRule(fitted, runs);
    const cases: [members: Member[], found: boolean][] = [
      [[of(changed), of(second)], true],
      [[of(second), of(changed)], true],
      [[of(second, "swa"), of(changed)], true],
      [[of(changed)], false],
      [[of(changed), of(changed)], false],
      [[of(changed), of(second), of(second)], false],
      [[of(changed, "best-dice"), of(second)], false],
      [[of(second)], false],
    ];
    for (const [members, found] of cases) {
      const what = members.map(({ run, checkpoint }) => `${run.id}@${checkpoint}`).join(" ");
      assertEquals(findFittedRule(members), found ? fitted : undefined, what);
    }
  }));

Deno.test("findMember() finds a run by id or experiment, and one of its checkpoints", () =>
  withFolder(async (runs) => {
    const old = await finishedRun(runs, { final: "a", "best-dice": "b" });
    await new Promise((resolve) => setTimeout(resolve, 2)); // so that it starts later
    const run = await finishedRun(runs, { final: "c", "best-dice": "d" });
    const stopped = await startRun(runs, { last: "e" });
    await stopped.interrupt();
    const found: [name: string, run: string, checkpoint: CheckpointName][] = [
      [old.id, old.id, "final"],
      [`${old.id}@best-dice`, old.id, "best-dice"],
      ["phantom/1-128", run.id, "final"],
      ["phantom/1-128@best-dice", run.id, "best-dice"],
      [`${stopped.id}@last`, stopped.id, "last"],
    ];
    for (const [name, id, checkpoint] of found) {
      const member = await findMember(name, runs);
      assertEquals([member.run.id, member.checkpoint], [id, checkpoint], name);
    }
    const refused: [name: string, ...says: string[]][] = [
      ["siim/1-256", "there is no run of that id", "(there are: phantom/1-128): siim/1-256"],
      ["@final", "(there are: phantom/1-128): "],
      [
        `${old.id}@swa`,
        `no checkpoint "swa"`,
        "(there are: best-dice, final; its status is finished",
      ],
      [`${old.id}@best_dice`, `did you mean "best-dice"?`],
      [`${old.id}@`, `no checkpoint ""`],
      [stopped.id, `no checkpoint "final" (there are: last; its status is interrupted)`],
    ];
    for (const [name, ...says] of refused) {
      const { message } = await assertRejects(() => findMember(name, runs), RangeError);
      for (const part of says) assertStringIncludes(message, part);
    }
    const none: Member = { run: old, checkpoint: "ema" };
    assertThrows(() => describeMember(none), RangeError, "it has final, best-dice");
  }));
