import {
  DatasetError,
  encodeRle,
  FILM_SIZE,
  isImageId,
  readRleTable,
  rleArea,
} from "@/data/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";

/** A submission does not answer the sample submission. */
export class SubmissionError extends Error {
  override readonly name = "SubmissionError";
}

/** One film's answer: a mask, row-major, `1024 * 1024` values, or its run lengths. */
export type Answer =
  | { imageId: string; mask: Uint8Array }
  | { imageId: string; rle: string };

/** What a submission holds. */
export interface SubmissionSummary {
  films: number;
  /** Films with at least one pixel. */
  positives: number;
}

/**
 * Writes a submission: one row for each film of the sample submission, in its order. Masks are
 * encoded as they come, so only run lengths are held; the file appears whole or not at all.
 *
 * @param path The file to write.
 * @param samplePath The competition's `sample_submission.csv`; repeated ImageIds count once.
 * @param answers The films' masks, in any order.
 * @throws {SubmissionError} If a film is missing, unknown or answered twice, or an answer is not a
 * mask of 1024 x 1024.
 * @throws {DatasetError} If the sample cannot be read.
 */
export async function writeSubmission(
  path: string,
  samplePath: string,
  answers: AsyncIterable<Answer> | Iterable<Answer>,
): Promise<SubmissionSummary> {
  const wanted = await readSample(samplePath);
  const rles = new Map<string, string>();
  let positives = 0;
  for await (const answer of answers) {
    const { imageId } = answer;
    if (!wanted.has(imageId)) {
      throw new SubmissionError(problem("write", path, "unknown", [imageId]));
    }
    if (rles.has(imageId)) throw new SubmissionError(problem("write", path, "repeated", [imageId]));
    const { rle, area } = encodeAnswer(path, answer);
    rles.set(imageId, rle);
    if (area > 0) positives++;
  }
  const missing = [...wanted].filter((imageId) => !rles.has(imageId));
  if (missing.length > 0) throw new SubmissionError(problem("write", path, "missing", missing));
  const rows = [...wanted].map((imageId) => `${imageId},${rles.get(imageId)}\n`);
  await writeFileAtomic(path, `ImageId,EncodedPixels\n${rows.join("")}`);
  return { films: wanted.size, positives };
}

/**
 * Checks an existing submission: exactly one row for each film of the sample submission, in any
 * order, with run lengths that decode at 1024 x 1024.
 *
 * @param path The submission.
 * @param samplePath The competition's `sample_submission.csv`.
 * @throws {SubmissionError} If films are missing, unknown or repeated, or run lengths are malformed.
 * @throws {DatasetError} If one of the files cannot be read.
 */
export async function checkSubmission(
  path: string,
  samplePath: string,
): Promise<SubmissionSummary> {
  const wanted = await readSample(samplePath);
  const seen = new Set<string>();
  const unknown: string[] = [];
  const repeated: string[] = [];
  let positives = 0;
  for (const { imageId, encodedPixels } of await readRleTable(path)) {
    if (!wanted.has(imageId)) unknown.push(imageId);
    if (seen.has(imageId)) repeated.push(imageId);
    seen.add(imageId);
    if (checkedArea("accept", path, imageId, encodedPixels) > 0) positives++;
  }
  const missing = [...wanted].filter((imageId) => !seen.has(imageId));
  for (const [kind, ids] of Object.entries({ unknown, repeated, missing })) {
    if (ids.length > 0) throw new SubmissionError(problem("accept", path, kind, ids));
  }
  return { films: seen.size, positives };
}

async function readSample(path: string): Promise<Set<string>> {
  const wanted = new Set((await readRleTable(path)).map((row) => row.imageId));
  if (wanted.size === 0) {
    throw new DatasetError(`Cannot read the sample submission ${path} as it names no film`);
  }
  for (const imageId of wanted) {
    if (!isImageId(imageId)) {
      throw new DatasetError(
        `Cannot read the sample submission ${path} as this cannot be an ImageId: "${imageId}"`,
      );
    }
  }
  return wanted;
}

function encodeAnswer(path: string, answer: Answer): { rle: string; area: number } {
  if ("rle" in answer) {
    const rle = answer.rle.trim();
    return { rle, area: checkedArea("write", path, answer.imageId, rle) };
  }
  const { imageId, mask } = answer;
  if (mask.length !== FILM_SIZE * FILM_SIZE) {
    throw new SubmissionError(
      `Cannot write the submission ${path} as the mask of ${imageId} must be ${FILM_SIZE} x ` +
        `${FILM_SIZE}, resize it first: it holds ${mask.length} values`,
    );
  }
  const rle = encodeRle(mask, FILM_SIZE, FILM_SIZE);
  return { rle, area: rleArea([rle], FILM_SIZE, FILM_SIZE) };
}

function checkedArea(action: string, path: string, imageId: string, rle: string): number {
  try {
    return rleArea([rle], FILM_SIZE, FILM_SIZE);
  } catch (error) {
    throw new SubmissionError(
      `Cannot ${action} the submission ${path} as the run lengths of ${imageId} are malformed: ` +
        (error as Error).message,
      { cause: error },
    );
  }
}

function problem(action: string, path: string, kind: string, ids: readonly string[]): string {
  const named = ids.slice(0, 5).join(", ") + (ids.length > 5 ? ", ..." : "");
  return `Cannot ${action} the submission ${path} as ${ids.length} films are ${kind}: ${named}`;
}
