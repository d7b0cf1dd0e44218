import { parse } from "csv-parse/sync";
import { readTextUpTo } from "@/files/mod.ts";
import { DatasetError } from "./dataset_error.ts";

/** Bytes: thirty times the competition's file. */
const LARGEST_FILE = 2 ** 28;
/** Characters: a mask of 1024 x 1024 pixels, every second one of them set, has 2 million. */
const LARGEST_RECORD = 2 ** 22;

/** One row of `train-rle.csv`, `sample_submission.csv` or a submission. */
export interface RleRow {
  imageId: string;
  /** See `decodeRle`. */
  encodedPixels: string;
}

/**
 * Reads a CSV file with the columns `ImageId` and `EncodedPixels`. A byte order mark and spaces
 * around names and values are dropped: the competition's own header is `ImageId, EncodedPixels`.
 *
 * @param path The file.
 * @returns The rows in the file's order; run lengths are not yet checked.
 * @throws {DatasetError} If the file is missing, is no CSV, or lacks a column.
 */
export async function readRleTable(path: string): Promise<RleRow[]> {
  let text: string;
  try {
    text = await readTextUpTo(path, LARGEST_FILE);
  } catch (error) {
    throw new DatasetError(`Cannot read the CSV file ${path} as it cannot be opened: ${error}`, {
      cause: error,
    });
  }
  let records: string[][];
  try {
    records = parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      max_record_size: LARGEST_RECORD,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatasetError(`Cannot read the CSV file ${path} as it is malformed: ${reason}`, {
      cause: error,
    });
  }
  // The parser trims around quotes, not within them.
  const [header = [], ...rows] = records.map((record) => record.map((value) => value.trim()));
  const id = header.indexOf("ImageId");
  const pixels = header.indexOf("EncodedPixels");
  if (id < 0 || pixels < 0) {
    throw new DatasetError(
      `Cannot read the CSV file ${path} as its header must name ImageId and EncodedPixels: ` +
        `"${header.join(",").slice(0, 100)}"`,
    );
  }
  return rows.map((row) => ({ imageId: row[id]!, encodedPixels: row[pixels]! }));
}
