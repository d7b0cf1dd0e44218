import { tf } from "./backend.ts";

/** What a traced function takes and returns: tensors, alone or in arrays and plain objects. */
export type TensorTree = tf.Tensor | readonly TensorTree[] | {
  readonly [name: string]: TensorTree;
};

/** The tensors of a tree in a fixed order: arrays by index, objects by key. */
export function flatten(tree: unknown): tf.Tensor[] {
  const tensors: tf.Tensor[] = [];
  mapTensors(tree, (tensor) => (tensors.push(tensor), tensor));
  return tensors;
}

/** The same tree with each tensor replaced; what is no tensor, array or plain object stays. */
export function mapTensors(tree: unknown, change: (tensor: tf.Tensor) => tf.Tensor): unknown {
  if (tree instanceof tf.Tensor) return change(tree);
  if (Array.isArray(tree)) return tree.map((item) => mapTensors(item, change));
  if (isPlainObject(tree)) {
    return Object.fromEntries(
      Object.keys(tree).sort().map((key) => [key, mapTensors(tree[key], change)]),
    );
  }
  return tree;
}

/**
 * A text that is the same for two trees exactly if one trace serves both: shapes and types of
 * tensors, and all other values.
 *
 * @throws {TypeError} If the tree holds something a trace cannot depend on, such as a function.
 */
export function signature(tree: unknown): string {
  if (tree instanceof tf.Tensor) return `${tree.dtype}[${tree.shape}]`;
  if (Array.isArray(tree)) return `(${tree.map(signature).join(",")})`;
  if (isPlainObject(tree)) {
    const entries = Object.keys(tree).sort().map((key) =>
      `${JSON.stringify(key)}:${signature(tree[key])}`
    );
    return `{${entries.join(",")}}`;
  }
  // In quotes: a text may hold the commas and colons of a signature.
  if (typeof tree === "string") return JSON.stringify(tree);
  if (tree === null || ["undefined", "number", "boolean"].includes(typeof tree)) {
    return `${typeof tree}:${Object.is(tree, -0) ? "-0" : String(tree)}`;
  }
  throw new TypeError(
    `Cannot trace a function as an argument is neither a tensor, nor plain data: ${
      Object.prototype.toString.call(tree)
    }`,
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value));
}
