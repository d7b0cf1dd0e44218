import { transferSyntaxName } from "./transfer_syntax.ts";

/**
 * Why a DICOM file could not be read, or could not be written. The message names the file, the
 * reason and what to do about it.
 */
export class DicomError extends Error {
  override readonly name = "DicomError";
  /** The file (or the name given for bytes in memory). */
  readonly path: string;
  /** The reason alone, for a table of excluded files. */
  readonly reason: string;

  /**
   * @param path The file.
   * @param reason What is wrong with it, as a clause: "it has no pixel data".
   * @param advice What the user can do about it, as an imperative clause.
   * @param cause What the parser or the decoder threw, if anything.
   */
  constructor(path: string, reason: string, advice: string, cause?: unknown) {
    super(`Cannot read ${path} as ${reason}: ${advice}`, cause === undefined ? {} : { cause });
    this.path = path;
    this.reason = reason;
  }
}

/** What to do about a file that is not as it was written. */
export const damagedAdvice = "copy or download the file again, or exclude it";

/** An error about a file whose header was read: the reason also names its transfer syntax. */
export function imageError(
  { name, metadata }: { name: string; metadata: { transferSyntax: string } },
  reason: string,
  advice: string,
  cause?: unknown,
): DicomError {
  const syntax = transferSyntaxName(metadata.transferSyntax);
  return new DicomError(name, `${reason} [${syntax}]`, advice, cause);
}

/**
 * The text of anything a library throws: dicom-parser throws strings, `{ exception }` objects and
 * Errors.
 */
export function thrownText(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown === "object" && thrown !== null && "exception" in thrown) {
    return thrownText(thrown.exception);
  }
  return String(thrown);
}
