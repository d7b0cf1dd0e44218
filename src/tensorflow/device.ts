import { type Device, listDevices } from "./context.ts";

/** Where a function computes: on a GPU if there is one, on the CPU, or on a GPU and nowhere else. */
export type DeviceChoice = "auto" | "cpu" | "gpu";

/**
 * TensorFlow's name of the device that a function is put on, or `undefined` where TensorFlow chooses
 * itself: it takes a GPU for every operation that has a kernel for one.
 *
 * @param devices Those there are; tests replace them.
 * @throws {RangeError} If the choice is "gpu" and TensorFlow has found none.
 */
export function chosenDevice(
  choice: DeviceChoice = "auto",
  devices: readonly Device[] = listDevices(),
): string | undefined {
  if (choice === "cpu") return devices.find(({ type }) => type === "CPU")?.name;
  if (choice === "gpu" && !devices.some(({ type }) => type === "GPU")) {
    throw new RangeError(
      `Cannot compute on a GPU as TensorFlow has found none: ${
        devices.map(({ type }) => type).join(", ")
      }. Run "deno task setup" where there is an NVIDIA driver, or choose the device auto or cpu`,
    );
  }
  return undefined;
}

/** Whether a function of that choice computes on a GPU. */
export function usesGpu(
  choice: DeviceChoice = "auto",
  devices: readonly Device[] = listDevices(),
): boolean {
  return choice !== "cpu" && devices.some(({ type }) => type === "GPU");
}
