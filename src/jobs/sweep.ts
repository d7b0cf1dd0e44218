import {
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  stringify,
  visit,
} from "yaml";
import {
  applyOverrides,
  type Experiment,
  ExperimentError,
  type Problem,
} from "@/experiments/mod.ts";
import type { Job } from "./job.ts";

/** More runs than this are a mistake in the file. */
const MOST_JOBS = 1000;

/** One field of a sweep and the values that it takes. */
interface Axis {
  path: string;
  /** Each as `--set` takes it, and its line in the file. */
  settings: { text: string; label: string; line: number }[];
}

/**
 * Reads a sweep: a YAML mapping from fields to lists of values. Every combination of values is one job
 * (a grid); the field of the last line changes fastest.
 *
 * ```yaml
 * training.learningRate.initial: [1e-3, 3e-4]
 * training.loss:
 *   - { bce: 1, dice: 1 }
 *   - { focal: 1 }
 * seed: [1, 2, 3]
 * ```
 *
 * Fields are named and values are written as for `--set`. Every combination is checked as an experiment
 * is.
 *
 * @param path The file.
 * @param experiments What is trained with each combination, at least one.
 * @throws {ExperimentError} With all problems at once, with their lines in the file.
 */
export async function readSweep(
  path: string,
  experiments: readonly Experiment[],
): Promise<Job[]> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw sweepError(path, [{ source: path, path: "", message: "there is no such file" }]);
  });
  const axes = parseAxes(text, path);
  const count = axes.reduce((product, { settings }) => product * settings.length, 1);
  if (count > MOST_JOBS) {
    const message = `must have at most ${MOST_JOBS} combinations: it has ${count}`;
    throw sweepError(path, [{ source: path, path: "", message }]);
  }
  const combinations = axes.reduce<Axis["settings"][]>(
    (before, { settings }) => before.flatMap((all) => settings.map((one) => [...all, one])),
    [[]],
  );
  refuseInvalid(combinations, experiments, path);
  return combinations.map((settings) => ({
    label: settings.map(({ label }) => label).join(", "),
    overrides: settings.map(({ text }) => text),
  }));
}

function parseAxes(text: string, source: string): Axis[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (node: unknown) => lines.linePos((node as Node | null)?.range?.[0] ?? 0).line;
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    source,
    line: lines.linePos(error.pos[0]).line,
    path: "",
    message: error.code === "DUPLICATE_KEY"
      ? "a field stands here twice"
      : `cannot be parsed as YAML: ${error.message}`,
  }));
  const root = document.contents;
  if (problems.length === 0 && (!isMap(root) || root.items.length === 0)) {
    const message = "must be a mapping of fields to lists of values, for example seed: [1, 2, 3]";
    problems.push({ source, path: "", message });
  }
  if (problems.length > 0 || !isMap(root)) throw sweepError(source, problems);

  visit(root, {
    Alias(_, alias) {
      // A value is handed on by itself, without what it refers to.
      const message = `must not refer to another value: *${alias.source}. Write the value out`;
      problems.push({ source, line: lineOf(alias), path: "", message });
    },
  });
  if (problems.length > 0) throw sweepError(source, problems);

  const paths = root.items.map(({ key }) => isScalar(key) ? String(key.value) : String(key));
  const names = shortNames(paths);
  const axes = root.items.map(({ key, value }, i): Axis => {
    const path = paths[i]!;
    const fail = (node: unknown, message: string) => {
      problems.push({ source, line: lineOf(node), path, message });
    };
    // a list of values, not a mapping: a field's own mapping is one value
    if (!isCollection(value) || isMap(value) || value.items.length === 0) {
      fail(key, `must be a list of values, for example [1, 2]: current value is ${flow(value)}`);
      return { path, settings: [] };
    }
    const settings = value.items.map((item) => {
      const text = flow(item);
      return { text: `${path}=${text}`, label: `${names[i]}=${text}`, line: lineOf(item) };
    });
    const known = new Set<string>();
    for (const [j, { text }] of settings.entries()) {
      if (known.has(text)) fail(value.items[j], `stands here twice: ${text}`);
      known.add(text);
    }
    return { path, settings };
  });
  for (const [i, path] of paths.entries()) {
    const holder = paths.find((other) => path.startsWith(`${other}.`));
    if (holder === undefined) continue;
    const message = `must not be within another field of the sweep: ${holder}`;
    problems.push({ source, line: lineOf(root.items[i]!.key), path, message });
  }
  if (problems.length > 0) throw sweepError(source, problems);
  return axes;
}

/** Of each path the fewest last names that no other path ends with. */
function shortNames(paths: readonly string[]): string[] {
  return paths.map((path) => {
    const names = path.split(".");
    for (let from = names.length - 1; from > 0; from--) {
      const short = names.slice(from).join(".");
      const isShared = paths.some((other) => other !== path && `.${other}`.endsWith(`.${short}`));
      if (!isShared) return short;
    }
    return path;
  });
}

/** A value on one line, as YAML. */
function flow(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
}

/** Checks every combination; what is wrong with one value is told once, at its line. */
function refuseInvalid(
  combinations: readonly Axis["settings"][],
  experiments: readonly Experiment[],
  source: string,
): void {
  const problems = new Map<string, Problem>();
  for (const experiment of experiments) {
    for (const settings of combinations) {
      try {
        applyOverrides(experiment, settings.map(({ text }) => text));
      } catch (error) {
        if (!(error instanceof ExperimentError)) throw error;
        for (const problem of error.problems) {
          const setting = settings.find(({ text }) => problem.source === `--set ${text}`);
          const placed: Problem = {
            source,
            ...(setting && { line: setting.line }),
            path: problem.path,
            message: setting
              ? problem.message
              : `${problem.message} (with ${settings.map(({ label }) => label).join(", ")})`,
          };
          problems.set(JSON.stringify(placed), placed);
        }
      }
    }
  }
  if (problems.size > 0) throw sweepError(source, [...problems.values()]);
}

function sweepError(path: string, problems: readonly Problem[]): ExperimentError {
  return new ExperimentError(path, problems);
}
