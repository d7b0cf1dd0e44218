import { join, relative, resolve } from "node:path";
import { isMap, LineCounter, type ParsedNode, parseDocument } from "yaml";
import { readTextUpTo } from "@/files/mod.ts";
import { experimentsFolder } from "./folders.ts";
import { applyOverrides, mergeOverride } from "./overrides.ts";
import {
  describeIssues,
  ExperimentError,
  type Finding,
  nearest,
  type Problem,
} from "./problems.ts";
import { type Experiment, experimentSchema, fileSchema } from "./schema.ts";

/** Bytes: a hundred times the longest experiment. */
const LARGEST_FILE = 2 ** 20;

/** How to load an experiment. */
export interface LoadOptions {
  /** The folder of the experiments (default: the project's `experiments/`). */
  folder?: string;
  /** Whether to use the `quick` fields (default: whether `PNEUMOTHORAX_QUICK` is 1). */
  quick?: boolean;
  /**
   * Changes from a command line, see {@linkcode applyOverrides} (default: none). They come after the
   * check of the parents' files, as the parent's run may have been changed in the same way.
   */
  overrides?: readonly string[];
}

/**
 * Reads and checks an experiment and the experiments it goes on from.
 *
 * @param nameOrPath A name such as `siim/1-256`, or the path of a YAML file (it ends in `.yaml`).
 * @param options How to load it.
 * @throws {ExperimentError} With all problems at once: YAML that cannot be parsed, an unknown or
 * duplicate key, a value out of range, a name that is not the file's, a missing parent, a parent
 * with another network, or with another split, whose training films would be validated on.
 */
export async function loadExperiment(
  nameOrPath: string,
  options: LoadOptions = {},
): Promise<Experiment> {
  const quick = options.quick ?? Deno.env.get("PNEUMOTHORAX_QUICK") === "1";
  let folder = resolve(options.folder ?? experimentsFolder);
  let name = nameOrPath;
  if (nameOrPath.endsWith(".yaml")) {
    const inside = relative(folder, resolve(nameOrPath)).replaceAll("\\", "/");
    name = inside.replace(/\.yaml$/, "");
    if (inside.startsWith("..")) {
      // a file elsewhere: the name in it says which folder is the experiments'
      const path = resolve(nameOrPath).replaceAll("\\", "/");
      name = await nameInFile(path);
      if (path.endsWith(`/${name}.yaml`)) folder = path.slice(0, -`/${name}.yaml`.length);
      else throw wrongName(nameOrPath, name, path.replace(/^.*\/|\.yaml$/g, ""));
    }
  }
  const experiment = await loadFile(folder, name, quick);
  await checkParents(folder, experiment, quick);
  return applyOverrides(experiment, options.overrides ?? []);
}

/**
 * The names of all experiments in a folder, sorted.
 *
 * @param folder The folder of the experiments (default: the project's `experiments/`).
 */
export async function listExperiments(folder: string = experimentsFolder): Promise<string[]> {
  const names: string[] = [];
  async function visit(inside: string): Promise<void> {
    for await (const entry of Deno.readDir(join(folder, inside))) {
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory && path !== "runs") await visit(path);
      else if (entry.name.endsWith(".yaml")) names.push(path.slice(0, -".yaml".length));
    }
  }
  await visit("");
  return names.sort();
}

async function loadFile(folder: string, name: string, quick: boolean): Promise<Experiment> {
  const path = join(folder, `${name}.yaml`);
  const shown = shownPath(path);
  let text: string;
  try {
    text = await readTextUpTo(path, LARGEST_FILE);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ExperimentError(shown, [{ source: shown, path: "", message: error.message }]);
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const known = await listExperiments(folder).catch(() => []);
    const message = missingText(name, known);
    throw new ExperimentError(name, [{ source: shown, path: "", message }]);
  }
  return parseExperiment(text, { name, source: shown, quick });
}

/** What {@linkcode parseExperiment} needs to know beside the text. */
interface Source {
  /** The name that the file must give, from its path. */
  name: string;
  /** How messages call the file. */
  source: string;
  /** Whether to use the `quick` fields. */
  quick: boolean;
}

/** Parses and checks one file, without the experiments it goes on from. */
function parseExperiment(text: string, { name, source, quick }: Source): Experiment {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    source,
    line: lines.linePos(error.pos[0]).line,
    path: "",
    message: error.code === "DUPLICATE_KEY"
      ? `the key ${JSON.stringify(wordAt(text, error.pos[0]))} stands here twice`
      : `cannot be parsed as YAML: ${error.message}`,
  }));
  const unparsable = document.errors.some(({ code }) => code !== "DUPLICATE_KEY");
  if (unparsable) throw new ExperimentError(source, problems);

  const place = (finding: Finding): Problem => {
    const node = keyNode(document.contents, finding.path);
    return {
      source,
      ...(node?.range && { line: lines.linePos(node.range[0]).line }),
      path: finding.path.join("."),
      message: finding.message,
    };
  };
  let written: unknown;
  try {
    written = document.toJS();
  } catch (error) {
    const message = `cannot be parsed as YAML: ${(error as Error).message}`;
    throw new ExperimentError(source, [{ source, path: "", message }]);
  }
  const file = fileSchema.safeParse(written);
  if (!file.success) problems.push(...describeIssues(file.error.issues, written).map(place));
  if (written === null) {
    throw new ExperimentError(source, [{ source, path: "", message: "the file is empty" }]);
  }

  const { quick: quickFields, ...fields } = { ...(written as Record<string, unknown>) };
  const whole = experimentSchema.safeParse(fields);
  if (file.success && !whole.success) {
    problems.push(...describeIssues(whole.error.issues, fields).map(place));
  }
  if (whole.success && whole.data.name !== name) {
    const message = `must be the file's path without .yaml, ${name}: current value is ` +
      JSON.stringify(whole.data.name);
    problems.push(place({ path: ["name"], message }));
  }
  const merged = { ...mergeOverride(fields, quickFields ?? {}) as object, quick: true };
  const whenQuick = experimentSchema.safeParse(merged);
  if (whole.success && !whenQuick.success) {
    const findings = describeIssues(whenQuick.error.issues, merged);
    problems.push(...findings.map(({ path, message }) => {
      return place({ path: ["quick", ...path], message });
    }));
  }
  if (problems.length > 0 || !whole.success || !whenQuick.success) {
    problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
    throw new ExperimentError(source, problems);
  }
  return quick ? whenQuick.data : whole.data;
}

/** Checks what only the parents' files can tell, up to the first experiment of the chain. */
async function checkParents(
  folder: string,
  experiment: Experiment,
  quick: boolean,
): Promise<void> {
  const chain = [experiment.name];
  let child = experiment;
  while (child.parent !== undefined) {
    const source = shownPath(join(folder, `${child.name}.yaml`));
    const wrongParent = (message: string) =>
      new ExperimentError(child.name, [{ source, path: "parent", message }]);
    if (chain.includes(child.parent)) {
      throw wrongParent(`must not lead back to itself: ${[...chain, child.parent].join(" -> ")}`);
    }
    const names = await listExperiments(folder);
    if (!names.includes(child.parent)) throw wrongParent(missingText(child.parent, names));
    const parent = await loadFile(folder, child.parent, quick);
    const mismatches = parentMismatches(child, parent);
    if (mismatches.length > 0) {
      const problems = mismatches.map(({ path, message }) => {
        return { source, path: path.join("."), message };
      });
      throw new ExperimentError(child.name, problems);
    }
    chain.push(child.parent);
    child = parent;
  }
}

/**
 * Says why an experiment cannot go on from another one's weights: another network, or another split,
 * by which it would be validated on films that it was trained on. Empty where it can.
 */
export function parentMismatches(child: Experiment, parent: Experiment): Finding[] {
  const findings: Finding[] = [];
  function compare(path: string[], ours: unknown, theirs: unknown): void {
    const [our, their] = [JSON.stringify(ours), JSON.stringify(theirs)];
    if (our === their) return;
    const message = `must be that of the parent ${parent.name}, ${their}: current value is ${our}`;
    findings.push({ path, message });
  }
  compare(["model", "architecture"], child.model.architecture, parent.model.architecture);
  compare(["model", "encoder"], child.model.encoder, parent.model.encoder);
  compare(["model", "startFilters"], child.model.startFilters, parent.model.startFilters);
  // Batch and frozen-batch have the same weights.
  const isGroup = ({ normalization }: Experiment["model"]) => normalization === "group";
  if (isGroup(child.model) !== isGroup(parent.model)) {
    const [ours, theirs] = [child, parent].map(({ model }) => model.normalization ?? "batch");
    compare(["model", "normalization"], ours, theirs);
  }
  compare(["data", "split"], child.data.split, parent.data.split);
  return findings;
}

function missingText(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const hint = near === undefined ? "" : `, did you mean "${near}"?`;
  const list = known.length === 0 ? "none" : known.join(", ");
  return `there is no such experiment${hint} (known experiments: ${list}): current value is ${
    JSON.stringify(name)
  }`;
}

async function nameInFile(path: string): Promise<string> {
  const text = await readTextUpTo(path, LARGEST_FILE).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const problem = { source: path, path: "", message: "there is no such file" };
    throw new ExperimentError(path, [problem]);
  });
  const name: unknown = parseDocument(text).get("name");
  return typeof name === "string" ? name : "";
}

function wrongName(path: string, name: string, expected: string): ExperimentError {
  const message = `must be the file's path without .yaml, such as ${expected}: current value is ` +
    JSON.stringify(name);
  return new ExperimentError(path, [{ source: path, path: "name", message }]);
}

/** The key at a path, or the nearest node above it. */
function keyNode(root: ParsedNode | null, path: readonly PropertyKey[]): ParsedNode | null {
  let node = root;
  let key: ParsedNode | null = null;
  for (const name of path) {
    if (!isMap<ParsedNode, ParsedNode | null>(node)) break;
    const pair = node.items.find((item) => String(item.key) === String(name));
    if (!pair) break;
    key = pair.key;
    node = pair.value;
  }
  return key;
}

function wordAt(text: string, position: number): string {
  return /^[^:\s]*/.exec(text.slice(position))![0];
}

/** A path from the working folder where it lies in it. */
function shownPath(path: string): string {
  const shown = relative(Deno.cwd(), path);
  return shown.startsWith("..") ? path : shown;
}
