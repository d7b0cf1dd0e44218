/**
 * Reads a Keras file from standard input and writes its weights to standard output as safetensors;
 * the reason why it cannot goes to standard error. See keras_file.ts, which runs it.
 */
import { encodeSafetensors, type StoredTensor } from "@/files/mod.ts";
import { readKerasLayers } from "./keras_layers.ts";

/** Metadata: the shapes of what is no float, as JSON by name; such tensors have no numbers. */
export const OTHERS = "others";

if (import.meta.main) {
  try {
    const tensors = await readKerasLayers(
      new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer()),
    );
    const others = [...tensors].filter(([, { data }]) => !(data instanceof Float32Array));
    const none: StoredTensor = { shape: [0], data: new Int32Array(0) };
    for (const [name] of others) tensors.set(name, none);
    const shapes = Object.fromEntries(others.map(([name, { shape }]) => [name, shape]));
    const bytes = encodeSafetensors({ tensors, metadata: { [OTHERS]: JSON.stringify(shapes) } });
    await new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeTo(Deno.stdout.writable);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
