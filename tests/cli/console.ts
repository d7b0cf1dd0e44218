/** Calls a command's `main` and returns its exit code and what it printed. */
export async function captured(
  main: () => Promise<number>,
): Promise<{ code: number; out: string; error: string }> {
  const { log, error } = console;
  const lines = { out: [] as string[], error: [] as string[] };
  console.log = (...values: unknown[]) => void lines.out.push(values.map(shown).join(" "));
  console.error = (...values: unknown[]) => void lines.error.push(values.map(shown).join(" "));
  try {
    const code = await main();
    return { code, out: lines.out.join("\n"), error: lines.error.join("\n") };
  } finally {
    Object.assign(console, { log, error });
  }
}

/** An error as the console shows it, with its stack. */
function shown(value: unknown): string {
  return typeof value === "string" ? value : Deno.inspect(value);
}
