/** Python may have to be read from a slow disk, and a GPU's driver to be started. */
const MOST_SECONDS = 60;

/**
 * What a command prints on standard output, without white space around it; `undefined` if it fails, there
 * is none, or it does not answer within a minute.
 */
export async function commandOutput(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args,
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.timeout(MOST_SECONDS * 1000),
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined; // there is no such command
  }
}
