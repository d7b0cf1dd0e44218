import type { DataSet } from "dicom-parser";
import type { DisplayOptions, Window } from "./display.ts";
import { readLookupTable } from "./lookup_table.ts";
import type { DicomMetadata } from "./metadata.ts";

const SHAPES: Readonly<Record<string, Window["shape"]>> = {
  LINEAR: "linear",
  LINEAR_EXACT: "linear_exact",
  SIGMOID: "sigmoid",
};

/**
 * Gathers how a file wants its values shown. Of several windows the first one counts; a window goes
 * before a VOI LUT Sequence (the standard leaves the choice to the viewer).
 *
 * @throws {Error} If it names an unknown function, or a table is damaged.
 */
export function gatherDisplayOptions(dataSet: DataSet, metadata: DicomMetadata): DisplayOptions {
  const { rescale, window, signed } = metadata;
  const name = dataSet.string("x00281056")?.trim() || "LINEAR";
  const shape = SHAPES[name];
  if (window && !shape) {
    throw new Error(`its VOI LUT Function ${name} is not LINEAR, LINEAR_EXACT or SIGMOID`);
  }
  const modalityTable = readLookupTable(dataSet, "x00283000", signed);
  const voiTable = window ? undefined : readLookupTable(
    dataSet,
    "x00283010",
    modalityTable ? false : signed || rescale.slope < 0 || rescale.intercept < 0,
  );
  const padding = paddingOf(dataSet, signed);
  return {
    rescale,
    window: window && shape ? { ...window, shape } : undefined,
    inverted: metadata.photometricInterpretation === "MONOCHROME1",
    ...(modalityTable && { modalityTable }),
    ...(voiTable && { voiTable }),
    ...(padding && { padding }),
  };
}

/** Pixel Padding Value, and the other end of a range of them (PS3.3, C.7.5.1.1.2). */
function paddingOf(dataSet: DataSet, signed: boolean): DisplayOptions["padding"] {
  const read = (tag: string) => signed ? dataSet.int16(tag) : dataSet.uint16(tag);
  const value = read("x00280120");
  if (value === undefined) return undefined;
  const limit = read("x00280121") ?? value;
  return { lowest: Math.min(value, limit), highest: Math.max(value, limit) };
}
