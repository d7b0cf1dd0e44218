/** What this project uses of the interface that Deno gives to code in a notebook. */
interface NotebookHost {
  broadcast(type: string, content: Record<string, unknown>): Promise<void>;
}

/** The notebook that this code runs in, or undefined outside of one. */
export function notebookHost(): NotebookHost | undefined {
  try {
    // A getter that throws outside of the kernel.
    return Deno.jupyter;
  } catch {
    return undefined;
  }
}
