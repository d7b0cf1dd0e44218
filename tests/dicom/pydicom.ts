import { join } from "node:path";
import { findTensorFlow } from "@/tensorflow/library.ts";

/** Where setup_pydicom.ts puts pydicom; not in git. */
export const pydicomFolder = join(import.meta.dirname!, ".pydicom");

/** Whether setup_pydicom.ts has run to its end. */
export const hasPydicom = await Deno.stat(join(pydicomFolder, "setup.txt"))
  .then(() => true, () => false);

/** One of pydicom's own files, as pydicom_oracle.py reads it. */
export interface OracleFile {
  /** Below the folder that it is installed to. */
  name: string;
  path: string;
  transferSyntax: string;
  /** What it is, for a table: "grey", "colour", "multi-frame", "no image", ... */
  kind: string;
  rows: number;
  columns: number;
  /** Name of the file with the stored values modulo 2^16, if pydicom could read them. */
  pixels?: string;
  /** Name of the file with 256 times the values 0 to 255 that a display shows. */
  shown?: string;
  /** Why pydicom could not. */
  error?: string;
}

/**
 * Runs pydicom over all of its files.
 *
 * @param folder Where the pixels are written.
 */
export async function readOracle(folder: string): Promise<OracleFile[]> {
  const { success, stdout, stderr } = await new Deno.Command(findTensorFlow().python!, {
    args: [join(import.meta.dirname!, "pydicom_oracle.py"), folder],
    env: { PYTHONPATH: pydicomFolder },
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
