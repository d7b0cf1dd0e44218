import { backend } from "./backend.ts";
import { listDevices } from "./context.ts";
import { GraphBinding } from "./graph.ts";
import { OneDnn } from "./onednn_names.ts";
import { hasOperation } from "./op_definitions.ts";

let found: boolean | undefined;

/** Whether TensorFlow has oneDNN's kernels, which are for x86 CPUs. */
export function hasOneDnn(): boolean {
  return found ??= Deno.build.arch === "x86_64" && Object.values(OneDnn).every(hasOperation) &&
    Deno.env.get("TF_ENABLE_ONEDNN_OPTS") !== "0" &&
    listDevices().every(({ type }) => type === "CPU");
}

/** Whether the function that is being traced may name oneDNN's kernels. */
export function usesOneDnn(): boolean {
  return backend.binding instanceof GraphBinding && backend.binding.oneDnn;
}

/** Whether the function that is being traced computes products in bfloat16. */
export function usesBfloat16(): boolean {
  return backend.binding instanceof GraphBinding && backend.binding.bfloat16;
}
