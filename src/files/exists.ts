/**
 * Whether there is a file or a folder of that name; a link counts as what it leads to.
 *
 * @throws Whatever the file system throws where that cannot be told, such as `PermissionDenied`.
 */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    // What lies below a file is not there either.
    const { NotADirectory, NotFound } = Deno.errors;
    if (error instanceof NotFound || error instanceof NotADirectory) return false;
    throw error;
  }
}
