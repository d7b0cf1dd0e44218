import { DicomError } from "@/dicom/mod.ts";
import { DatasetError } from "./dataset_error.ts";
import type { Excluded } from "./film.ts";

/** Share of a data set's films that may be damaged, as a number (`0.05`) or in percent (`5%`). */
const VARIABLE = "PNEUMOTHORAX_MAX_BAD";
const DEFAULT = 0.05;

/** Why one film is left out that nothing is wrong with, but that is no part of the data set. */
export class NotPart extends Error {}

/** Why one film is left out that has something wrong with its file or its annotation. */
export class Damaged extends Error {}

/**
 * A film that is left out after an error. The reason goes into records and tables, so it must not hold
 * a path: folders may be named after patients.
 */
export function excludedAs(imageId: string, path: string, error: unknown): Excluded {
  const reason = error instanceof DicomError ? error.reason : withoutPath(textOf(error));
  return { imageId, path, reason, ...(!(error instanceof NotPart) && { damaged: true }) };
}

function textOf(error: unknown): string {
  return error instanceof NotPart || error instanceof Damaged ? error.message : String(error);
}

/** What the system says ends with the call and the path: `No such file (os error 2): open 'PATH'`. */
export function withoutPath(message: string): string {
  return message.replace(/(\(os error \d+\)).*/s, "$1");
}

/**
 * The share of films that may be damaged before work on a data set fails: the argument if given, else
 * the environment variable `PNEUMOTHORAX_MAX_BAD`, else 0.05.
 *
 * @throws {RangeError} If it is no share from 0 to 1 (0 % to 100 %).
 */
export function maximumExcluded(argument?: number | string): number {
  const given = argument ?? (Deno.env.get(VARIABLE) || DEFAULT);
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(%?)\s*$/.exec(`${given}`);
  const share = match ? Number(match[1]) / (match[2] ? 100 : 1) : NaN;
  if (share >= 0 && share <= 1) return share;
  throw new RangeError(
    `Cannot take this as the share of films that may be damaged, as it must be from 0 to 1 or from ` +
      `0% to 100%: ${given}`,
  );
}

/**
 * Refuses a data set with too many damaged films.
 *
 * @param what What cannot be done: "prepare films".
 * @param total Films, the damaged ones among them.
 * @throws {DatasetError} If more than the share are damaged; it names the first of them.
 */
export function refuseDamaged(
  what: string,
  excluded: readonly Excluded[],
  total: number,
  share: number,
): void {
  const damaged = excluded.filter((film) => film.damaged);
  if (damaged.length <= share * total) return;
  const named = damaged.slice(0, 5).map(({ imageId, reason }) => `${imageId} (${reason})`);
  throw new DatasetError(
    `Cannot ${what} as ${damaged.length} of ${total} cannot be used, more than ` +
      `${Number((share * 100).toPrecision(6))} %: ${
        named.join(", ")
      }; mend or remove them, or allow ` +
      `more with ${VARIABLE} (0.1 or 10%)`,
  );
}
