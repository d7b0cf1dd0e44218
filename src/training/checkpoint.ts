import { join } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  sha256,
  type StoredTensor,
  writeFileAtomic,
} from "@/files/mod.ts";
import { type ResourceVariable, tf } from "@/tensorflow/mod.ts";

/** A checkpoint that cannot be used. */
export class CheckpointError extends Error {
  override name = "CheckpointError";
}

/** Variables by name. */
type Variables = ReadonlyMap<string, tf.Variable | ResourceVariable>;

/** Groups of variables by name: "weights", "optimizer", ... */
export type VariableGroups = Record<string, Variables>;

/** What a written checkpoint can be told by. */
export interface WrittenCheckpoint {
  /** Name of the file in the run's folder. */
  file: string;
  /** Of its content. */
  sha256: string;
}

/**
 * Writes variables and a state to one safetensors file, whole or not at all. Tensors are called
 * `group/name`; the state stands in the file's metadata as JSON.
 */
export async function writeCheckpoint(
  folder: string,
  file: string,
  groups: VariableGroups,
  state: unknown,
): Promise<WrittenCheckpoint> {
  const tensors = new Map<string, StoredTensor>();
  for (const [group, variables] of Object.entries(groups)) {
    for (const [name, variable] of variables) {
      const data = variable.dataSync() as Float32Array;
      tensors.set(`${group}/${name}`, { shape: variable.shape, data });
    }
  }
  const bytes = encodeSafetensors({ tensors, metadata: { state: JSON.stringify(state) } });
  await writeFileAtomic(join(folder, file), bytes);
  return { file, sha256: sha256(bytes) };
}

/** A checkpoint that has been read and checked. */
export interface ReadCheckpoint {
  state: unknown;
  /** The stored tensors of a group, by name. */
  group(name: string): ReadonlyMap<string, StoredTensor>;
}

/**
 * Reads a checkpoint.
 *
 * @param expected The hash that the run's record has for the file.
 * @throws {CheckpointError} If the file is missing, is not the one the record names, or is damaged.
 */
export async function readCheckpoint(
  folder: string,
  { file, sha256: expected }: WrittenCheckpoint,
): Promise<ReadCheckpoint> {
  const path = join(folder, file);
  const refuse = (why: string, cause?: unknown): never => {
    throw new CheckpointError(
      `Cannot use the checkpoint ${path} as ${why}. Restore the file; or, where a stage is to go on, ` +
        `take the checkpoint before it ("deno task train" with --previous); or remove its folder to ` +
        `start the run again`,
      { cause },
    );
  };
  const bytes = await Deno.readFile(path).catch((error) =>
    refuse(`it cannot be read: ${error.message}`, error)
  );
  const hash = sha256(bytes);
  if (hash !== expected) {
    refuse(`its SHA-256 is not the one in the run's record: ${hash} instead of ${expected}`);
  }
  let state: unknown;
  let tensors: Map<string, StoredTensor> = new Map();
  try {
    const decoded = decodeSafetensors(bytes, path);
    tensors = decoded.tensors;
    state = JSON.parse(decoded.metadata.state ?? "null");
  } catch (error) {
    refuse(`it is damaged, and was when its SHA-256 was taken: ${(error as Error).message}`, error);
  }
  return {
    state,
    group: (group) => {
      const prefix = `${group}/`;
      return new Map(
        [...tensors].flatMap(([name, tensor]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : []
        ),
      );
    },
  };
}

/**
 * Gives variables the values of a checkpoint's group.
 *
 * @throws {CheckpointError} If the names or shapes differ; nothing is changed then.
 */
export function assignGroup(
  variables: Variables,
  stored: ReadonlyMap<string, StoredTensor>,
  what: string,
): void {
  const names = new Set([...variables.keys(), ...stored.keys()]);
  for (const name of names) {
    const wanted = variables.get(name)?.shape, given = stored.get(name)?.shape;
    if (wanted && given && tf.util.arraysEqual(wanted, given)) continue;
    throw new CheckpointError(
      `Cannot restore the ${what} as ${name} does not fit: [${given ?? "nothing"}] in the ` +
        `checkpoint, [${wanted ?? "nothing"}] in this run`,
    );
  }
  for (const [name, { data, shape }] of stored) {
    tf.tidy(() => variables.get(name)!.assign(tf.tensor(data, shape)));
  }
}
