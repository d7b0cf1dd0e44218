import { join, sep } from "node:path";

/** A `.dcm` or `.DCM` file, or a place that was not entered. */
export type Found = { path: string } | { path: string; refused: string };

const LEAVES = "it is a link that leaves the data set's folder";
const BROKEN = "it is a link that leads nowhere";

/**
 * Finds the `.dcm` files, in any case, in a folder and all below it, sorted by path. Symbolic links are followed
 * only to places inside `root`; every folder is entered once, so that a loop of links ends.
 *
 * @param folder Where to search.
 * @param root What links must not leave.
 * @param leftOut A folder that is not entered, unless it is the root itself.
 * @throws {Deno.errors.NotFound} If the folder is not there.
 */
export async function findDicomFiles(
  folder: string,
  root: string,
  leftOut?: string,
): Promise<Found[]> {
  const realRoot = await Deno.realPath(root);
  const found: Found[] = [];
  const left = leftOut && await Deno.realPath(leftOut).catch(() => undefined); // not there yet
  const entered = new Set(left === undefined || left === realRoot ? [] : [left]);

  /** `real` is the folder's path without links: asking the system each time would be slow. */
  async function enter(path: string, real: string): Promise<void> {
    if (entered.has(real)) return;
    entered.add(real);
    for await (const entry of Deno.readDir(path)) {
      const inner = join(path, entry.name);
      if (entry.isSymlink) await follow(inner);
      else if (entry.isDirectory) await enter(inner, join(real, entry.name));
      else if (entry.isFile) add(inner);
    }
  }

  async function follow(path: string): Promise<void> {
    try {
      const real = await Deno.realPath(path);
      if (real !== realRoot && !real.startsWith(realRoot + sep)) {
        found.push({ path, refused: LEAVES });
      } else if ((await Deno.stat(path)).isDirectory) {
        await enter(path, real);
      } else {
        add(path);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      found.push({ path, refused: BROKEN });
    }
  }

  function add(path: string): void {
    if (/\.dcm$/i.test(path)) found.push({ path });
  }

  if ((await Deno.lstat(folder)).isSymlink) await follow(folder);
  else await enter(folder, await Deno.realPath(folder));
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}
