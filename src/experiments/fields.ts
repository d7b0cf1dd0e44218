import { z } from "zod";
import { fileSchema } from "./schema.ts";

/** The part of JSON Schema that zod writes for the experiments' schema. */
export interface FieldSchema {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  properties?: Record<string, FieldSchema>;
  required?: string[];
  prefixItems?: FieldSchema[];
  oneOf?: FieldSchema[];
  anyOf?: FieldSchema[];
}

/** One row of the table of fields. */
export interface Field {
  /** Names from the root, joined with dots. */
  path: string;
  /** What may stand there, in words. */
  allowed: string;
  /** The default in YAML flow style, `required`, or empty where leaving it out has its own sense. */
  default: string;
  description: string;
}

const root = z.toJSONSchema(fileSchema, { io: "input" }) as FieldSchema;

/**
 * The schema of the field at a path, or undefined where no such field is known.
 *
 * @param path Names from the root.
 * @param value The whole experiment as written: of fields that come in several kinds, it says which.
 */
export function schemaAt(path: readonly PropertyKey[], value: unknown): FieldSchema | undefined {
  let schema: FieldSchema | undefined = chooseKind(root, value);
  for (const key of path) {
    value = isMapping(value) ? value[String(key)] : undefined;
    const items = schema.prefixItems;
    schema = typeof key === "number" ? items?.[key] : own(schema.properties, String(key));
    if (schema === undefined) return undefined;
    schema = chooseKind(schema, value);
  }
  return schema;
}

/** The names of the fields at a path, see {@linkcode schemaAt}. */
export function knownKeys(path: readonly PropertyKey[], value: unknown): string[] {
  return Object.keys(schemaAt(path, value)?.properties ?? {});
}

/** Of a field that comes in several kinds, the kind that the value is of, or the field itself. */
function chooseKind(schema: FieldSchema, value: unknown): FieldSchema {
  if (!isMapping(value)) return schema;
  if (schema.anyOf) return schema.anyOf.find((kind) => kind.type === "object") ?? schema;
  if (!schema.oneOf) return schema;
  const kinds = schema.oneOf;
  return kinds.find((kind) => {
    const [key, expected] = kindOf(kind);
    return (value[key] ?? expected.default) === expected.const;
  }) ?? schema;
}

/** The field that tells the kinds apart, for example `kind: adam`, as its name and schema. */
function kindOf(kind: FieldSchema): [string, FieldSchema] {
  const entry = Object.entries(kind.properties ?? {}).find(([, field]) =>
    field.const !== undefined
  );
  if (!entry) throw new TypeError("Cannot tell kinds apart as one has no constant field");
  return entry;
}

/** What a field may hold, in words that follow "must be". */
export function allowedText(schema: FieldSchema): string {
  if (schema.const !== undefined) return `${schema.const}`;
  if (schema.enum) return schema.enum.length === 1 ? `${schema.enum[0]}` : oneOf(schema.enum);
  if (schema.anyOf) return schema.anyOf.map(allowedText).join(", or ");
  if (schema.oneOf) {
    const [key] = kindOf(schema.oneOf[0]!);
    const kinds = schema.oneOf.map((kind) => kindOf(kind)[1].const);
    return `a mapping with ${key}: ${kinds.join(" or ")}`;
  }
  switch (schema.type) {
    case "integer":
    case "number":
      return numberText(schema);
    case "boolean":
      return "true or false";
    case "string":
      return schema.minLength ? "text that is not empty" : "text";
    case "array": {
      const items = schema.prefixItems ?? [];
      return `a list of ${items.length} items, each ${allowedText(items[0] ?? {})}`;
    }
    case "object": {
      const keys = Object.keys(schema.properties ?? {});
      return keys.length > 0 ? `a mapping of ${keys.join(", ")}` : "a mapping";
    }
    default:
      return "something else";
  }
}

function oneOf(values: readonly unknown[]): string {
  return `one of ${values.join(", ")}`;
}

function numberText(schema: FieldSchema): string {
  const { exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  // zod states the range of exact integers as limits, which nobody needs to read
  const exact = (limit: number | undefined) =>
    limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER ? limit : undefined;
  const [minimum, maximum] = [exact(schema.minimum), exact(schema.maximum)];
  const limits: string[] = [];
  if (minimum !== undefined) limits.push(`>= ${minimum}`);
  if (exclusiveMinimum !== undefined) limits.push(`> ${exclusiveMinimum}`);
  if (maximum !== undefined) limits.push(`<= ${maximum}`);
  if (exclusiveMaximum !== undefined) limits.push(`< ${exclusiveMaximum}`);
  if (multipleOf !== undefined) limits.push(`a multiple of ${multipleOf}`);
  const noun = schema.type === "integer" ? "a whole number" : "a number";
  return limits.length === 0 ? noun : `${noun} ${limits.join(" and ")}`;
}

/** The table of all fields in Markdown, as `experiments/README.md` shows it. */
export function fieldTable(): string {
  const rows = describeFields().map((field) => {
    const standard = field.default === "" || field.default === "required"
      ? field.default
      : `\`${field.default}\``;
    return `| \`${field.path}\` | ${field.allowed} | ${standard} | ${field.description} |`;
  });
  return ["| Field | Must be | Default | What it is |", "| --- | --- | --- | --- |", ...rows]
    .join("\n");
}

/** Every field of an experiment's file, in the file's order. */
export function describeFields(): Field[] {
  return fieldsOf(root, "");
}

function fieldsOf(schema: FieldSchema, prefix: string): Field[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    const path = prefix + key;
    const row: Field = {
      path,
      allowed: field.properties ? "a mapping" : allowedText(field),
      default: required.has(key) ? "required" : defaultText(field),
      description: field.description ?? "",
    };
    const kinds = field.oneOf ?? field.anyOf?.filter((kind) => kind.type === "object");
    const below = kinds
      ? kinds.flatMap((kind) => fieldsOf(withoutKind(kind), `${path}${kindSuffix(kind)}.`))
      : fieldsOf(field, `${path}.`);
    return [row, ...below];
  });
}

/** A kind's fields without the one that names it, which the row above lists. */
function withoutKind(kind: FieldSchema): FieldSchema {
  const properties = Object.entries(kind.properties ?? {})
    .filter(([, field]) => field.const === undefined);
  return { ...kind, properties: Object.fromEntries(properties) };
}

function kindSuffix(kind: FieldSchema): string {
  const constant = Object.values(kind.properties ?? {}).find((field) => field.const !== undefined);
  return constant ? `(${constant.const})` : "";
}

/** The default in YAML flow style; a mapping that fills itself in has none of its own. */
function defaultText({ default: value }: FieldSchema): string {
  if (value === undefined || value === "" || isMapping(value) && Object.keys(value).length === 0) {
    return "";
  }
  return flowText(value);
}

function flowText(value: unknown): string {
  if (!isMapping(value)) return `${value}`;
  return `{${Object.entries(value).map(([key, item]) => `${key}: ${flowText(item)}`).join(", ")}}`;
}

/** Whether a value is a mapping of names to values, not null and not a list. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own<T>(record: Record<string, T> | undefined, key: string): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}
