import { join } from "node:path";
import { gatherDisplayOptions } from "@/dicom/display_options.ts";
import { DicomError, parseDicom, readSamples, toDisplay } from "@/dicom/mod.ts";
import { findTensorFlow } from "@/tensorflow/library.ts";

/** Where setup_pydicom.ts puts pydicom; not in git. */
export const pydicomFolder = join(import.meta.dirname!, ".pydicom");

/** Whether setup_pydicom.ts has run to its end. */
export const hasPydicom = await Deno.stat(join(pydicomFolder, "setup.txt"))
  .then(() => true, () => false);

/** One of pydicom's own files, as pydicom_oracle.py reads it. */
interface OracleFile {
  /** Below the folder that it is installed to. */
  name: string;
  path: string;
  transferSyntax: string;
  /** "grey" for one grey frame of 8 or 16 bits, else what it is instead, for a table. */
  kind: string;
  /** Name of the file with the stored values modulo 2^16, if pydicom could read them. */
  pixels?: string;
  /** Name of the file with 256 times the values 0 to 255 that a display shows. */
  shown?: string;
}

/** What this project makes of one of pydicom's files. */
export interface Outcome extends Pick<OracleFile, "name" | "transferSyntax" | "kind"> {
  /** Largest differences from pydicom's values, where both read the file. */
  worst?: { stored: number; shown: number };
  /** Why the file is refused. */
  error?: Error;
}

/** Reads all of pydicom's files with pydicom and with this project. */
export async function compareAll(): Promise<Outcome[]> {
  const folder = await Deno.makeTempDir();
  try {
    const outcomes: Outcome[] = [];
    for (const file of await runOracle(folder)) outcomes.push(await compare(file, folder));
    return outcomes;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runOracle(folder: string): Promise<OracleFile[]> {
  const { success, stdout, stderr } = await new Deno.Command(findTensorFlow().python!, {
    args: [join(import.meta.dirname!, "pydicom_oracle.py"), folder],
    env: { PYTHONPATH: pydicomFolder },
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function compare(file: OracleFile, folder: string): Promise<Outcome> {
  const { name, transferSyntax, kind } = file;
  const outcome = { name, transferSyntax, kind };
  try {
    const parsed = parseDicom(await Deno.readFile(file.path), name);
    const samples = await readSamples(parsed);
    const levels = toDisplay(samples, gatherDisplayOptions(parsed.dataSet, parsed.metadata));
    const read = async (file: string | undefined) =>
      file && new Uint16Array((await Deno.readFile(join(folder, file))).buffer);
    const [stored, shown] = [await read(file.pixels), await read(file.shown)];
    if (!stored || !shown) return outcome;
    return {
      ...outcome,
      worst: {
        stored: worst(samples, stored, (ours, theirs) => ((ours - theirs) << 16) >> 16),
        shown: worst(levels, shown, (ours, theirs) => ours - theirs / 256),
      },
    };
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    return { ...outcome, error };
  }
}

function worst(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  difference: (ours: number, theirs: number) => number,
): number {
  if (ours.length !== theirs.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    largest = Math.max(largest, Math.abs(difference(ours[i]!, theirs[i]!)));
  }
  return largest;
}
