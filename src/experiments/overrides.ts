import { parseDocument } from "yaml";
import { isMapping, knownKeys } from "./fields.ts";
import { describeIssues, ExperimentError, type Problem } from "./problems.ts";
import { type Experiment, experimentSchema } from "./schema.ts";

/** Fields that say of which kind their mapping is. */
const kindKeys = ["kind", "schedule", "rule"];

/**
 * An experiment with some of its fields changed, checked anew.
 *
 * @param experiment A loaded experiment; it is left as it is.
 * @param settings Changes as a command line gives them, for example `"training.epochs=3"`: names
 * joined with dots, and a value in YAML. `null` sets a field back to its default or, where it may
 * be left out, leaves it out.
 * @throws {ExperimentError} If a setting cannot be parsed, or the changed experiment is not valid.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { applyOverrides, loadExperiment } from "@/experiments/mod.ts";
 *
 * const experiment = await loadExperiment("phantom/1-128");
 * assertEquals(applyOverrides(experiment, ["training.epochs=3"]).training.epochs, 3);
 * ```
 */
export function applyOverrides(experiment: Experiment, settings: readonly string[]): Experiment {
  const parsed = settings.map(parseSetting);
  const broken = parsed.flatMap((setting) => setting.problem ? [setting.problem] : []);
  if (broken.length > 0) throw new ExperimentError(experiment.name, broken);

  let changed: unknown = experiment;
  for (const { override } of parsed) changed = mergeOverride(changed, override);
  const result = experimentSchema.safeParse(changed);
  if (result.success) return result.data;
  throw new ExperimentError(
    experiment.name,
    describeIssues(result.error.issues, changed).map(({ path, message }) => {
      const text = path.join(".");
      const setting = parsed.findLast((setting) => overlap(setting.path, text));
      return { source: setting ? `--set ${setting.text}` : experiment.name, path: text, message };
    }),
  );
}

interface Setting {
  text: string;
  path: string;
  override: unknown;
  problem?: Problem;
}

function parseSetting(text: string): Setting {
  const source = `--set ${text}`;
  const at = text.indexOf("=");
  const path = text.slice(0, at).trim();
  const keys = path.split(".");
  const fail = (message: string): Setting => ({
    text,
    path,
    override: {},
    problem: { source, path: "", message },
  });
  if (at < 0 || keys.some((key) => key === "")) {
    return fail("must be a field's path, =, and a value, for example training.epochs=3");
  }
  if (path === "name" || path === "quick") return fail(`${path} cannot be changed`);
  const document = parseDocument(text.slice(at + 1), { prettyErrors: false });
  if (document.errors[0]) return fail(`the value is not YAML: ${document.errors[0].message}`);
  let override: unknown;
  try {
    override = document.toJS();
  } catch (error) {
    // A reference to nothing, or too many of them.
    return fail(`the value is not YAML: ${(error as Error).message}`);
  }
  for (const key of keys.reverse()) override = Object.fromEntries([[key, override]]);
  return { text, path, override };
}

/** Whether one of two paths holds the other. */
function overlap(first: string, second: string): boolean {
  return `${first}.`.startsWith(`${second}.`) || `${second}.`.startsWith(`${first}.`);
}

/**
 * Puts an override's fields into a mapping: mappings are merged, all else is replaced, null removes
 * a field. Where the override changes what kind a mapping is of, fields that the new kind does not
 * have are dropped.
 */
export function mergeOverride(base: unknown, override: unknown): unknown {
  return merge(base, override, override, []);
}

function merge(base: unknown, override: unknown, root: unknown, path: string[]): unknown {
  if (!isMapping(override)) return override;
  const merged = new Map(Object.entries(isMapping(base) ? base : {}));
  const kindKey = kindKeys.find((key) => Object.hasOwn(override, key));
  if (kindKey !== undefined && merged.get(kindKey) !== override[kindKey]) {
    const known = new Set(knownKeys(path, root));
    for (const key of merged.keys()) if (!known.has(key)) merged.delete(key);
  }
  for (const [key, value] of Object.entries(override)) {
    if (value === null) merged.delete(key);
    else merged.set(key, merge(merged.get(key), value, root, [...path, key]));
  }
  return Object.fromEntries(merged);
}
