import { gpuModels } from "@/tensorflow/gpu_models.ts";

/** What {@linkcode workerGpus} looks at; tests replace it. */
export interface GpuPlaces {
  /** GPUs that the driver tells of. */
  count?: number;
  /** What the user lets this process see; `null` if nothing is said. */
  visible?: string | null;
  /** Whether TensorFlow computes on them; asked only where there is one. */
  usesGpu: () => Promise<boolean>;
}

/**
 * The GPUs for workers on this machine: those of {@linkcode visibleGpus}, or none where TensorFlow cannot
 * use them, as without CUDA it computes on the CPU whatever driver there is.
 */
export async function workerGpus(places: GpuPlaces): Promise<string[]> {
  const { count = gpuModels().length, usesGpu } = places;
  const { visible = Deno.env.get("CUDA_VISIBLE_DEVICES") ?? null } = places;
  const gpus = visibleGpus(count, visible);
  return gpus.length > 0 && await usesGpu() ? gpus : [];
}

/**
 * GPUs as `CUDA_VISIBLE_DEVICES` names them: by number, or as `GPU-<uuid>` or `MIG-<uuid>`.
 *
 * As CUDA does, it takes the names up to the first that is none, such as -1 (CUDA C++ Programming Guide,
 * CUDA environment variables).
 *
 * @param count GPUs that there are.
 * @param visible The variable's value; `null` if it is not set.
 */
export function visibleGpus(count: number, visible: string | null): string[] {
  if (count === 0) return [];
  if (visible === null) return Array.from({ length: count }, (_, i) => `${i}`);
  const names = visible.split(",").map((name) => name.trim());
  const end = names.findIndex((name) => !isGpu(name, count));
  return end < 0 ? names : names.slice(0, end);
}

function isGpu(name: string, count: number): boolean {
  return /^\d+$/.test(name) ? Number(name) < count : /^(GPU|MIG)-./.test(name);
}
