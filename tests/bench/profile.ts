import { fileURLToPath } from "node:url";

/** Where the time of a training step goes, as a table; measured in a process of its own. */
export async function profile(): Promise<string> {
  const script = fileURLToPath(new URL("ours/profile.ts", import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, "256", "2"],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
  return new TextDecoder().decode(stdout).trim();
}
