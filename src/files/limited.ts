/**
 * Reads a file that must not be larger than any real one of its kind: what it is named for may be a
 * damaged, a wrong or a malicious file, and is refused before there is memory taken for it.
 *
 * @param path The file.
 * @param limit Most bytes.
 * @throws {RangeError} If the file is larger.
 * @throws Whatever the file system throws.
 */
export async function readFileUpTo(path: string, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await Deno.stat(path);
  if (size > limit) {
    throw new RangeError(`Cannot read ${path} as it has ${size} bytes, more than ${limit}`);
  }
  return await Deno.readFile(path);
}

/** As {@linkcode readFileUpTo}, as UTF-8 text. */
export async function readTextUpTo(path: string, limit: number): Promise<string> {
  return new TextDecoder().decode(await readFileUpTo(path, limit));
}
