import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import {
  type CellOutput,
  type CodeCell,
  type Notebook,
  readNotebook,
  runNotebook,
  type RunOptions,
  type RunResult,
} from "@/jupyter/mod.ts";

interface Run {
  result: RunResult;
  cells: CodeCell[];
  text: string;
}

function notebookOf(sources: string[]): Notebook {
  const cells = sources.map((source, index) => ({
    cell_type: "code" as const,
    id: `id-${index}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  }));
  const metadata = { kernelspec: { display_name: "Deno", language: "typescript", name: "deno" } };
  return { cells, metadata, nbformat: 4, nbformat_minor: 5 };
}

/** Runs cells as a notebook in a folder of their own. */
async function run(sources: string[], options: Partial<RunOptions> = {}): Promise<Run> {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "in.ipynb");
    const output = join(folder, "out", "done.ipynb");
    await Deno.writeTextFile(path, JSON.stringify(notebookOf(sources)));
    const result = await runNotebook(path, { timeout: 30, output, ...options });
    const { cells } = await readNotebook(output);
    return { result, cells: cells as CodeCell[], text: await Deno.readTextFile(output) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The text of all streams of a cell. */
function streamed(cell: CodeCell | undefined): string {
  const texts = (cell?.outputs ?? []).flatMap((output) =>
    output.output_type === "stream" ? output.text : []
  );
  return texts.join("");
}

function errorOf(cell: CodeCell | undefined): Extract<CellOutput, { ename: string }> {
  const error = cell?.outputs.find((output) => output.output_type === "error");
  assert(error?.output_type === "error", "the cell has no error output");
  return error;
}

Deno.test("runNotebook() gives each cell all of its output, in order, in 20 of 20 runs", async () => {
  const sources = [
    "for (let i = 0; i < 200; i++) console.log('first', i);",
    "console.log('second');",
    "Deno.jupyter.html`<b>third</b>`",
    "console.log('fourth'); 4",
    "for (let i = 0; i < 200; i++) console.log('fifth', i);\nawait Deno.jupyter.broadcast(" +
    "'display_data', { data: { 'text/plain': 'shown' }, metadata: {}, transient: {} });",
  ];
  const lines = (word: string) =>
    Array.from({ length: 200 }, (_, index) => `${word} ${index}\n`).join("");
  const runs: Run[] = [];
  while (runs.length < 20) {
    runs.push(...await Promise.all(Array.from({ length: 4 }, () => run(sources))));
  }
  for (const { result, cells, text } of runs) {
    assertEquals(result.status, "ok", JSON.stringify(result.failure));
    assertEquals(text, runs[0]?.text);
    assertEquals(streamed(cells[0]), lines("first"));
    assertEquals(cells[1]?.outputs, [
      { name: "stdout", output_type: "stream", text: ["second\n"] },
    ]);
    assertEquals(cells[2]?.outputs.length, 1);
    assertStringIncludes(JSON.stringify(cells[2]), "<b>third</b>");
    assertEquals(cells[3]?.outputs, [
      { name: "stdout", output_type: "stream", text: ["fourth\n"] },
      {
        data: { "text/plain": ["4"] },
        execution_count: 4,
        metadata: {},
        output_type: "execute_result",
      },
    ]);
    assertEquals(streamed(cells[4]), lines("fifth"));
    assertEquals(cells[4]?.outputs.length, 2);
    assertEquals(cells.map((cell) => cell.execution_count), [1, 2, 3, 4, 5]);
    assertEquals(cells.map((cell) => cell.id), sources.map((_, index) => `id-${index}`));
  }
});

Deno.test("runNotebook() stops at a cell that throws and keeps what came before", async () => {
  const { result, cells } = await run([
    "console.log('before'); const failing = () => { throw new RangeError('no such film'); };",
    "console.log('started'); failing();",
    "console.log('never');",
  ]);
  assertEquals(result.status, "failed");
  assertEquals(result.cells, 2);
  assertEquals(result.failure?.cell, 2);
  assertEquals(result.failure?.source, "console.log('started'); failing();");
  assertStringIncludes(result.failure?.message ?? "", "RangeError: no such film");
  assertEquals(streamed(cells[0]), "before\n");
  assertEquals(streamed(cells[1]), "started\n");
  assertEquals(errorOf(cells[1]).ename, "RangeError");
  assertEquals(cells[2]?.outputs, []);
  assertEquals(cells[2]?.execution_count, null);
});

Deno.test("runNotebook() says where a cell does not parse", async () => {
  const { result, cells } = await run(["const one = 1;\nconst two = ;"]);
  assertEquals(result.status, "failed");
  assertMatch(result.failure?.message ?? "", /^SyntaxError: .*Expression expected/);
  assertStringIncludes(result.failure?.message ?? "", "(line 2)");
  assertEquals(errorOf(cells[0]).ename, "SyntaxError");
});

Deno.test("runNotebook() fails on errors that nothing handles", async () => {
  const sources: Record<string, string> = {
    "a rejection": "Promise.reject(new Error('lost promise')); console.log('shown');",
    "a timer": "setTimeout(() => { throw new Error('lost timer'); }, 0); console.log('shown');",
  };
  for (const [name, source] of Object.entries(sources)) {
    const { result, cells } = await run([source]);
    assertEquals(result.status, "failed", name);
    assertMatch(result.failure?.message ?? "", /^UnhandledError: [^]*Error: lost (promise|timer)/);
    assertEquals(streamed(cells[0]), "shown\n");
    assertEquals(errorOf(cells[0]).ename, "UnhandledError");
  }
});

Deno.test("runNotebook() stops a cell that takes too long and keeps its output", async () => {
  for (const wait of ["await new Promise((done) => setTimeout(done, 60_000));", "for (;;);"]) {
    const sources = ["console.log('on time');", `await null; ${wait}`];
    const { result, cells } = await run(sources, { timeout: 1 });
    assertEquals(result.status, "failed", wait);
    assertEquals(result.failure?.message, "TimeoutError: The cell took longer than 1 s");
    assertEquals(streamed(cells[0]), "on time\n");
    assertEquals(errorOf(cells[1]).ename, "TimeoutError");
  }
});

Deno.test("runNotebook() reports the death of the kernel", async () => {
  const exit = await run(["Deno.exit(5);"]);
  assertStringIncludes(exit.result.failure?.message ?? "", "KernelError");
  assertStringIncludes(exit.result.failure?.message ?? "", "exit code 5");
  const killed = await run(["console.log('alive');", "Deno.kill(Deno.pid, 'SIGKILL');"]);
  assertStringIncludes(killed.result.failure?.message ?? "", "SIGKILL");
  assertEquals(streamed(killed.cells[0]), "alive\n");
  assertEquals(errorOf(killed.cells[1]).ename, "KernelError");
});

Deno.test("runNotebook() updates a display in place, also from a later cell", async () => {
  const broadcast = (type: string, text: string) =>
    `await Deno.jupyter.broadcast("${type}", { data: { "text/plain": "${text}" }, ` +
    `metadata: {}, transient: { display_id: "bar" } });`;
  const seen: [string, number][] = [];
  const { cells } = await run([
    broadcast("display_data", "0 of 3") + broadcast("update_display_data", "1 of 3"),
    broadcast("update_display_data", "2 of 3") + "console.log('between');",
    broadcast("update_display_data", "3 of 3"),
  ], { onProgress: (text, cell) => seen.push([text, cell]) });
  assertEquals(cells[0]?.outputs, [
    { data: { "text/plain": ["3 of 3"] }, metadata: {}, output_type: "display_data" },
  ]);
  assertEquals(streamed(cells[1]), "between\n");
  assertEquals(cells[2]?.outputs, []);
  assertEquals(seen, [
    ["0 of 3", 1],
    ["1 of 3", 1],
    ["2 of 3", 2],
    ["between", 2],
    ["3 of 3", 3],
  ]);
});

Deno.test("runNotebook() clears outputs when asked to, at once or with the next one", async () => {
  const clear = (wait: boolean) => `await Deno.jupyter.broadcast("clear_output", {wait: ${wait}});`;
  const { cells } = await run([
    `console.log("old"); ${clear(false)}`,
    `console.log("old"); ${clear(true)} console.log("new");`,
    `console.log("stays"); ${clear(true)}`,
  ]);
  assertEquals(cells.map(streamed), ["", "new\n", "stays\n"]);
});

Deno.test("runNotebook() refuses an output over 1 MB and a notebook over 2 MB", async () => {
  const one = await run(["console.log('x'.repeat(1.1 * 2 ** 20));"]);
  assertEquals(one.result.status, "failed");
  assertStringIncludes(one.result.failure?.message ?? "", "Cannot keep an output of 1.1 MB");
  assert(one.text.length < 5000);

  const many = await run(Array(3).fill("console.log('x'.repeat(0.8 * 2 ** 20));"));
  assertEquals(many.result.status, "failed");
  assertStringIncludes(many.result.failure?.message ?? "", "Cannot accept a notebook of 2.4 MB");
});

Deno.test("runNotebook() keeps start-up lines of native code out, and other native output in", async () => {
  const say = (line: string) => `await Deno.writeTextFile("/dev/stderr", ${JSON.stringify(line)});`;
  const noise =
    "2025-11-23 21:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN custom operations\n" +
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n";
  const { cells } = await run([
    say(noise) + say("disk is full\n") + "await new Promise((done) => setTimeout(done, 100));",
  ]);
  assertEquals(cells[0]?.outputs, [
    { name: "stderr", output_type: "stream", text: ["disk is full\n"] },
  ]);
  const dying = await run([say(noise) + "Deno.exit(1);"]);
  assertStringIncludes(dying.result.failure?.message ?? "", "oneDNN");
});

Deno.test("runNotebook() runs in the notebook's folder and passes environment variables", async () => {
  const { cells } = await run(
    ["console.log(Deno.statSync('in.ipynb').isFile, Deno.env.get('A_TEST'));"],
    { env: { A_TEST: "passed" } },
  );
  assertEquals(streamed(cells[0]), "true passed\n");
});

Deno.test("runNotebook() lets a cell finish in order when interrupted", async () => {
  const abort = new AbortController();
  const { result, cells } = await run([
    `const stop = Promise.withResolvers<void>();
     Deno.addSignalListener("SIGINT", () => stop.resolve());
     console.log("training");
     await stop.promise;
     console.log("checkpoint written");`,
    "console.log('never');",
  ], { interrupt: abort.signal, onProgress: () => abort.abort() });
  assertEquals(result.status, "interrupted");
  assertEquals(streamed(cells[0]), "training\ncheckpoint written\n");
  assertEquals(cells[1]?.outputs, []);
});

Deno.test("runNotebook() ends a cell that ignores the interrupt, after the grace", async () => {
  const abort = new AbortController();
  const { result, cells } = await run([
    `Deno.addSignalListener("SIGINT", () => console.log("not yet"));
     console.log("training");
     await new Promise((done) => setTimeout(done, 60_000));`,
  ], { interrupt: abort.signal, grace: 0.5, onProgress: () => abort.abort() });
  assertEquals(result.status, "interrupted");
  assertEquals(streamed(cells[0]), "training\nnot yet\n");
  assertEquals(errorOf(cells[0]).ename, "Interrupted");
});

Deno.test("runNotebook() refuses files that are no notebooks", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "in.ipynb");
  const output = join(folder, "out.ipynb");
  for (const text of ["", "{}", "[1", '{"nbformat": 3, "cells": []}']) {
    await Deno.writeTextFile(path, text);
    await assertRejects(() => runNotebook(path, { output }), SyntaxError, "Cannot read");
  }
  await Deno.remove(folder, { recursive: true });
});
