import { fileURLToPath } from "node:url";
import { decodeSafetensors, type StoredTensor } from "@/files/mod.ts";
import { OTHERS } from "./keras_process.ts";
import { PretrainedError } from "./pretrained_error.ts";

/** The first bytes of an HDF5 file. */
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** The largest files that Keras publishes take seconds. */
const LONGEST_MS = 120_000;

/** Whether the bytes begin as an HDF5 file does. */
export function isHdf5(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads the weights of a Keras network by `layer/variable`, for example `stem_conv/kernel`, from any of
 * the three kinds of file that Keras writes: `.weights.h5` (Keras 3), and the older `.h5`, of weights
 * (as Keras publishes them) or of a whole model.
 *
 * A process of its own reads it, as the HDF5 library never ends on some damaged files, and nothing
 * else than a process can be ended then.
 *
 * @param name The file's name, for messages.
 * @param options.longestMs When to give up, in milliseconds (default: 2 minutes).
 * @throws {PretrainedError} If it is no such file, or damaged.
 */
export async function readKerasFile(
  bytes: Uint8Array,
  name: string,
  options: { longestMs?: number } = {},
): Promise<Map<string, StoredTensor>> {
  const refuse = (why: string): never => {
    throw new PretrainedError(`Cannot read the weights in ${name} as ${why}`);
  };
  if (!isHdf5(bytes)) refuse("it is no HDF5 file");
  const { success, isLate, stdout, stderr } = await runReader(
    bytes,
    options.longestMs ?? LONGEST_MS,
  );
  if (isLate) refuse("it is damaged: reading it does not end");
  if (!success) refuse(stderr.trim().split("\n").at(-1) || "it is damaged: its reader has died");
  const { tensors, metadata } = decodeSafetensors(stdout, name);
  const others = JSON.parse(metadata[OTHERS]!) as Record<string, number[]>;
  for (const [other, shape] of Object.entries(others)) tensors.get(other)!.shape = shape;
  return tensors.size > 0 ? tensors : refuse("no layer in it has weights");
}

async function runReader(bytes: Uint8Array, longestMs: number) {
  const path = (url: string) => fileURLToPath(new URL(url, import.meta.url));
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-read", "--no-check", "--frozen", "--config", path("../../deno.json")],
      path("./keras_process.ts"),
    ],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    process.kill("SIGKILL");
  }, longestMs);
  const write = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeTo(process.stdin)
    .catch(() => {}); // it ended before it had read all: its output says why
  const [output] = await Promise.all([process.output(), write]);
  clearTimeout(limit);
  return {
    success: output.success,
    isLate,
    stdout: output.stdout,
    stderr: new TextDecoder().decode(output.stderr),
  };
}
