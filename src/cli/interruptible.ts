import { clearBar } from "@/notebook/mod.ts";

/**
 * Runs work that Ctrl-C can interrupt and that goes on later.
 *
 * @param goOn The command that goes on, asked for when it is interrupted.
 * @returns What the work returns, or 130 if it was interrupted.
 */
export async function interruptible(
  work: () => Promise<number | void>,
  goOn: () => string,
): Promise<number | void> {
  try {
    return await work();
  } catch (error) {
    clearBar();
    // By name, as importing the class would load TensorFlow.
    if (!(error instanceof Error && error.name === "InterruptedError")) throw error;
    console.error(`${error.message}. To go on: ${goOn()}`);
    return 130;
  }
}
