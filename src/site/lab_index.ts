import { basename, join } from "node:path";
import { findRun, loadStage, type Run } from "@/experiments/mod.ts";
import { cellSource, type Notebook } from "@/jupyter/mod.ts";
import { notebookStages } from "@/notebook/mod.ts";
import { notebooksOf } from "./write_site.ts";

/** A stage of the chain that notebooks train, and what came of it. */
interface StageState {
  /** The experiment's name. */
  name: string;
  /** The newest finished run. */
  run: Run | undefined;
}

/** A notebook as the index tells of it. */
interface Entry {
  file: string;
  title: string;
  /** Stages that it trains. */
  trains: StageState[];
  /** Stages that others train and it goes on from. */
  needs: StageState[];
}

/**
 * The page that JupyterLab opens on, as Markdown: the notebooks, what each needs, what has been
 * trained, and what to run first.
 *
 * @param folder The folder of the notebooks, in which the page will lie.
 * @param hasData Whether the data set is there.
 * @throws {SiteError} If the folder has no notebooks.
 */
export async function labIndex(folder: string, hasData: boolean): Promise<string> {
  const entries: Entry[] = [];
  for (const file of await notebooksOf(folder)) {
    entries.push(await entryOf(file, await Deno.readTextFile(join(folder, file))));
  }
  const rows = entries.map(({ file, title, trains, needs }) =>
    `| [${cellText(title)}](${file}) | ${stateText(trains)} | ${missingText(needs, entries)} |`
  );
  return `# The notebooks

${nextText(entries, hasData)}

| notebook | what it trains | what it still needs |
| --- | --- | --- |
${rows.join("\n")}

Each notebook runs alone from what those before it have left in \`experiments/runs\`. Shift-Enter runs a
cell, _Run > Run All Cells_ all of them. The stop button, while a stage trains, saves a
checkpoint and ends the cell; run again, the cell goes on from it.

In a terminal: \`deno task notebooks\` runs them all, \`deno task html\` makes web pages of them,
\`deno task runs\` lists what has been trained, \`deno task doctor\` says what is amiss.

_This page is written by \`deno task lab\` when it starts; run it again to see it anew._
`;
}

async function entryOf(file: string, text: string): Promise<Entry> {
  const { cells } = JSON.parse(text) as Notebook;
  const prose = cells.filter(({ cell_type }) => cell_type === "markdown").map(cellSource).join(
    "\n",
  );
  const uses = notebookStages(text);
  const stages = await Promise.all(uses.stages.map((number) => loadStage(number)));
  const names = stages.map(({ name }) => name);
  const needed = uses.trains
    ? stages.flatMap(({ parent }) => parent !== undefined && !names.includes(parent) ? parent : [])
    : names;
  const quick = stages[0]?.quick ?? false;
  return {
    file,
    title: /^# (.+)$/m.exec(prose)?.[1] ?? basename(file, ".ipynb"),
    trains: await Promise.all((uses.trains ? names : []).map((name) => stateOf(name, quick))),
    needs: await Promise.all(needed.map((name) => stateOf(name, quick))),
  };
}

async function stateOf(name: string, quick: boolean): Promise<StageState> {
  return { name, run: await findRun(name, { status: "finished", quick }) };
}

function stateText(stages: readonly StageState[]): string {
  return stages.map(({ name, run }) => {
    if (run === undefined) return `${name}: not yet`;
    const dice = run.checkpoints.final?.value;
    const score = typeof dice === "number" ? `, dice ${dice.toFixed(3)}` : "";
    return `${name}: trained ${run.started.slice(0, 10)}${score}`;
  }).join("<br>") || "–";
}

/** Names the notebooks to run before, or says that there are none. */
function missingText(needs: readonly StageState[], entries: readonly Entry[]): string {
  const missing = needs.filter(({ run }) => run === undefined).map(({ name }) => name);
  if (missing.length === 0) return needs.length === 0 ? "–" : "nothing: it can be run";
  return missing.map((name) => {
    const trainer = entries.find(({ trains }) => trains.some((stage) => stage.name === name));
    return trainer ? `${name}, of [${cellText(trainer.title)}](${trainer.file})` : name;
  }).join("<br>");
}

function nextText(entries: readonly Entry[], hasData: boolean): string {
  if (!hasData) {
    return "**There are no films yet.** Run `deno task phantom` in a terminal (_File > New > " +
      "Terminal_): it draws synthetic ones in half a minute. Or start again with the data set's " +
      "folder in the environment variable `PNEUMOTHORAX_DATA`.";
  }
  const next = entries.find(({ trains }) => trains.some(({ run }) => run === undefined));
  if (next === undefined) return "Everything has been trained: any notebook can be run.";
  const first = entries[0]!;
  const link = ({ title, file }: Entry) => `[${title}](${file})`;
  return next.trains.every(({ run }) => run === undefined) && next.needs.length === 0
    ? `Start with ${link(first)}; it trains nothing. The first that trains is ${link(next)}.`
    : `Next: ${link(next)}.`;
}

/** Text that does not end its cell of the table. */
function cellText(text: string): string {
  return text.replaceAll("|", "\\|");
}
