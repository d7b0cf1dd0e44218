import { join, relative } from "node:path";
import { projectFolder } from "@/experiments/mod.ts";
import { sha256 } from "@/files/mod.ts";

/**
 * What a process computes with, as facts that must be the same in all processes: the content of the
 * code, the locked packages, and versions.
 */
export async function describeProgram(tensorflow: string): Promise<Record<string, string>> {
  const code = await codeFiles(join(projectFolder, "src"));
  const parts = await Promise.all(
    code.map(async (file) =>
      `${relative(projectFolder, file)} ${sha256(await Deno.readFile(file))}`
    ),
  );
  const lock = await Deno.readFile(join(projectFolder, "deno.lock")).catch(() => undefined);
  return {
    code: short(sha256(new TextEncoder().encode(parts.join("\n")))),
    "deno.lock": lock ? short(sha256(lock)) : "missing",
    Deno: Deno.version.deno,
    TensorFlow: tensorflow,
  };
}

/** The program's files in a folder and those below, in one order everywhere. */
async function codeFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) files.push(...await codeFiles(path));
    else if (name.endsWith(".ts")) files.push(path);
  }
  return files.sort();
}

/** Enough of a hash for people to see that two differ. */
function short(hash: string): string {
  return hash.slice(0, 12);
}
