import { dirname, join } from "node:path";

/** How {@linkcode writeFileAtomic} writes. */
export interface WriteOptions {
  /**
   * Of a cache, in a folder that is there: the file may be gone after a power failure, and is then made
   * again. Saves two waits for the disk; a name still holds nothing, the old or the
   * whole new content.
   */
  renewable?: boolean;
}

/**
 * Writes a file so that its name holds either the old content or the whole new one, whenever the
 * process is killed: the content goes to a `.partial` file beside it, is synced, and renamed.
 *
 * @param path Where the file shall be; its folder is made if missing.
 * @param content Text (written as UTF-8) or bytes.
 * @throws Whatever the file system throws (no space, no permission); the old file is then intact.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  { renewable = false }: WriteOptions = {},
): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const folder = dirname(path);
  if (!renewable) await Deno.mkdir(folder, { recursive: true });
  const aside = `${path}.${crypto.randomUUID().slice(0, 8)}.partial`;
  try {
    const file = await Deno.open(aside, { write: true, createNew: true });
    try {
      for (let written = 0; written < bytes.length;) {
        written += await file.write(bytes.subarray(written));
      }
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(aside, path);
  } catch (error) {
    await Deno.remove(aside).catch(() => {});
    throw error;
  }
  if (!renewable) await syncFolder(folder);
}

/** Makes a rename durable; only POSIX systems let a folder be opened for this. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  const handle = await Deno.open(join(folder, "."));
  try {
    await handle.sync();
  } finally {
    handle.close();
  }
}
