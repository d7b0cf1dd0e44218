import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const project = fileURLToPath(new URL("../../", import.meta.url));
const source = join(project, "src");

/** Which folders of `src/` each of them imports, itself left out. */
export type FolderImports = ReadonlyMap<string, ReadonlySet<string>>;

/** What `deno info --json` says of a module, as far as it is used. */
interface Module {
  specifier: string;
  dependencies?: { code?: { specifier?: string }; type?: { specifier?: string } }[];
}

/** Reads the imports of every module of `src/`, dynamic and type-only ones too, from `deno info`. */
export async function folderImports(): Promise<FolderImports> {
  const files = await Array.fromAsync(sourceFiles(source));
  const folder = await Deno.makeTempDir();
  try {
    const all = join(folder, "all.ts");
    const imports = files.map((path) => `import ${JSON.stringify(pathToFileURL(path).href)};\n`);
    await Deno.writeTextFile(all, imports.join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", join(project, "deno.json"), all],
      stdin: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
    return gather(modules);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* sourceFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

function gather(modules: readonly Module[]): FolderImports {
  const found = new Map<string, Set<string>>();
  for (const { specifier, dependencies = [] } of modules) {
    const from = folderOf(specifier);
    if (from === undefined) continue;
    const imports = found.get(from) ?? new Set();
    found.set(from, imports);
    for (const { code, type } of dependencies) {
      for (const target of [code?.specifier, type?.specifier]) {
        const to = target === undefined ? undefined : folderOf(target);
        if (to !== undefined && to !== from) imports.add(to);
      }
    }
  }
  return found;
}

/** The folder of `src/` that a module lies in; `undefined` if in none. */
function folderOf(specifier: string): string | undefined {
  if (!specifier.startsWith("file:")) return undefined;
  const [folder, ...rest] = relative(source, fileURLToPath(specifier)).split("/");
  return folder === ".." || rest.length === 0 ? undefined : folder;
}

/**
 * The floor of each folder: 0 for one that imports no other, else one above the highest that it imports.
 *
 * @throws {Error} If imports go round in a circle; the message names it.
 */
export function floors(imports: FolderImports): Map<string, number> {
  const found = new Map<string, number>();
  const visit = (folder: string, path: readonly string[]): number => {
    const known = found.get(folder);
    if (known !== undefined) return known;
    const start = path.indexOf(folder);
    if (start >= 0) {
      throw new Error(
        `Imports go round in a circle: ${[...path.slice(start), folder].join(" -> ")}`,
      );
    }
    const below = [...imports.get(folder) ?? []].map((to) => visit(to, [...path, folder]));
    const floor = below.length === 0 ? 0 : 1 + Math.max(...below);
    found.set(folder, floor);
    return floor;
  };
  for (const folder of [...imports.keys()].sort()) visit(folder, []);
  return found;
}

/** The imports without those that follow from others: of a -> b -> c, a -> c is left out. */
export function essentialImports(imports: FolderImports): [from: string, to: string][] {
  const reaches = (from: string, to: string): boolean =>
    [...imports.get(from) ?? []].some((next) => next === to || reaches(next, to));
  const edges: [string, string][] = [];
  for (const [from, direct] of imports) {
    for (const to of direct) {
      const follows = [...direct].some((other) => other !== to && reaches(other, to));
      if (!follows) edges.push([from, to]);
    }
  }
  return edges.sort();
}
