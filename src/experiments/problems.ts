import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { allowedText, isMapping, knownKeys, schemaAt } from "./fields.ts";

/** One thing that is wrong with an experiment. */
export interface Problem {
  /** The file, or the command-line option, that the value comes from. */
  source: string;
  /** Its line, from 1, where known. */
  line?: number;
  /** Names from the root, joined with dots; empty for the file as a whole. */
  path: string;
  /** What is wrong and what is allowed, with the value. */
  message: string;
}

/** An experiment that cannot be used; the message lists everything that is wrong with it. */
export class ExperimentError extends Error {
  override name = "ExperimentError";

  /**
   * @param subject What cannot be used, for example a path.
   * @param problems What is wrong with it, at least one.
   */
  constructor(readonly subject: string, readonly problems: readonly Problem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    const lines = problems.map(({ source, line, path, message }) => {
      const place = line === undefined ? source : `${source}:${line}`;
      return `  ${[place, path, message].filter((part) => part !== "").join(": ")}`;
    });
    super(`Cannot use the experiment ${subject} as it has ${count}:\n${lines.join("\n")}`);
  }
}

/** A problem's place and text, before it is known which file and line it comes from. */
export interface Finding {
  path: PropertyKey[];
  message: string;
}

/**
 * Says in words what zod found.
 *
 * @param issues What zod found.
 * @param value The whole experiment as it was checked.
 */
export function describeIssues(issues: readonly z.core.$ZodIssue[], value: unknown): Finding[] {
  return issues.flatMap((issue) => describeIssue(issue, [], value));
}

function describeIssue(
  issue: z.core.$ZodIssue,
  prefix: PropertyKey[],
  root: unknown,
): Finding[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: unknownKeyText(key, knownKeys(path, root)),
    }));
  }
  if (issue.code === "invalid_union" && isMapping(valueAt(root, path)) && issue.errors.length > 0) {
    // the kind that was meant is the one that finds fault with the mapping's fields, not with its type
    const kind = issue.errors.find((errors) =>
      errors.every((error) => error.path.length > 0 || error.code === "unrecognized_keys")
    );
    if (kind) return kind.flatMap((error) => describeIssue(error, path, root));
  }
  const value = valueAt(root, path);
  const custom = issue.code === "custom" || issue.code === "invalid_format";
  const rule = custom ? issue.message : `must be ${allowedAt(path, issue, root)}`;
  const missing = custom ? "its default is in use" : "it is missing";
  const now = value === undefined ? missing : `current value is ${valueText(value)}`;
  return [{ path, message: `${rule}: ${now}` }];
}

function allowedAt(path: PropertyKey[], issue: z.core.$ZodIssue, root: unknown): string {
  if (issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options)) {
    return `one of ${issue.options.filter((option) => option !== undefined).join(", ")}`;
  }
  const schema = schemaAt(path, root);
  return schema ? allowedText(schema) : issue.message;
}

/** "unknown key", the nearest of the known ones if it is near, and all known ones. */
function unknownKeyText(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  const hint = near === undefined ? "" : `, did you mean "${near}"?`;
  return `unknown key${hint} (known keys: ${known.join(", ")})`;
}

/** The name with the fewest edits to a misspelt one, or undefined where none looks like it. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[_-]/g, "");
  let best: { name: string; edits: number } | undefined;
  for (const candidate of known) {
    const edits = distance(plain(name), plain(candidate));
    if (!best || edits < best.edits) best = { name: candidate, edits };
  }
  if (!best || best.edits > Math.ceil(plain(name).length / 2)) return undefined;
  return best.name;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isMapping(value) && Object.hasOwn(value, key)) value = value[String(key)];
    else return undefined;
  }
  return value;
}

function valueText(value: unknown): string {
  if (typeof value === "number") return `${value}`;
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
