import { join } from "node:path";

/** Where NVIDIA's driver for Linux describes each GPU. */
const DRIVER_FOLDER = "/proc/driver/nvidia/gpus";

/**
 * The names of the machine's GPUs as the driver tells them, for a run's record; empty where it does not.
 * TensorFlow's C API has no names.
 */
export function gpuModels(folder: string = DRIVER_FOLDER): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort().flatMap((gpu) => {
      const text = Deno.readTextFileSync(join(folder, gpu, "information"));
      return /^Model:\s*(.+?)\s*$/m.exec(text)?.[1] ?? [];
    });
  } catch {
    return []; // another system, or a container that does not show it
  }
}
