/** How many of each kind of mismatch a message lists. */
const LISTED = 5;

/** A file of pretrained weights that cannot be used; the message says what is wrong with it. */
export class PretrainedError extends Error {
  override name = "PretrainedError";
}

/** `3 missing (a, b, c)`, at most some of them by name; nothing where there are none. */
export function describeNames(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > LISTED ? `, and ${names.length - LISTED} more` : "";
  return [`${names.length} ${what} (${names.slice(0, LISTED).join(", ")}${more})`];
}
