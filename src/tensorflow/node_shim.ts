/**
 * `@tensorflow/tfjs-node-gpu` 4.22.0 calls two functions that `node:util` no longer has. This puts
 * them back and must be imported before the package is.
 */
import util from "node:util";

const legacy = util as unknown as Record<string, unknown>;
legacy.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
legacy.isArray ??= Array.isArray;
