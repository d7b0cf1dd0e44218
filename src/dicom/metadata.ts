import type { DataSet } from "dicom-parser";

/** What a film's header says; a field that is missing, empty or senseless is `undefined`. */
export interface DicomMetadata {
  sopInstanceUid: string | undefined;
  /** Several films can share one; folds are grouped by it. */
  patientId: string | undefined;
  sex: "M" | "F" | undefined;
  /** In years, 0 to 110. */
  age: number | undefined;
  /** View position: "PA" (posterior-anterior, standing), "AP" (bedside), or another code. */
  view: string | undefined;
  /** Distance between neighbouring rows and columns, in mm. */
  pixelSpacing: { row: number; column: number } | undefined;
  transferSyntax: string;
  /** "MONOCHROME2" (the lowest value is black) or "MONOCHROME1" (it is white), or a colour space. */
  photometricInterpretation: string | undefined;
  rows: number;
  columns: number;
  samplesPerPixel: number;
  frames: number;
  bitsAllocated: number | undefined;
  bitsStored: number | undefined;
  highBit: number | undefined;
  /** True if values are two's complement. */
  signed: boolean;
  /** Stored value -> modality value: `slope * value + intercept`. */
  rescale: { slope: number; intercept: number };
  /** Which modality values are shown; the first one if the file holds several. */
  window: { center: number; width: number } | undefined;
}

const oldestAge = 110;
const yearsPerUnit = { D: 1 / 365.25, W: 7 / 365.25, M: 1 / 12, Y: 1 } as const;

/**
 * An age in years from DICOM's age string ("062Y", "008M"), or from the bare number of years that
 * the competition's files hold instead ("62").
 *
 * @returns `undefined` if the text is not an age or lies outside 0 to 110 years.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseAge } from "@/dicom/mod.ts";
 *
 * assertEquals(parseAge("062Y"), 62);
 * assertEquals(parseAge("006M"), 0.5);
 * assertEquals(parseAge("old"), undefined);
 * ```
 */
export function parseAge(text: string | undefined): number | undefined {
  const match = /^(\d{1,3})([DWMY]?)$/.exec(text?.trim() ?? "");
  if (!match) return undefined;
  const unit = (match[2] || "Y") as keyof typeof yearsPerUnit;
  const years = Number(match[1]) * yearsPerUnit[unit];
  return years <= oldestAge ? years : undefined;
}

/** Gathers the metadata of a parsed file; absent image attributes get the standard's defaults. */
export function gatherMetadata(dataSet: DataSet): DicomMetadata {
  const text = (tag: string) => dataSet.string(tag)?.trim() || undefined;
  const number = (tag: string, index = 0) => {
    const value = dataSet.floatString(tag, index);
    return value !== undefined && Number.isFinite(value) ? value : undefined;
  };
  const sex = text("x00100040");
  const rowSpacing = number("x00280030", 0);
  const columnSpacing = number("x00280030", 1);
  const center = number("x00281050");
  const width = number("x00281051");
  return {
    sopInstanceUid: text("x00080018"),
    patientId: text("x00100020"),
    sex: sex === "M" || sex === "F" ? sex : undefined,
    age: parseAge(text("x00101010")),
    view: text("x00185101"),
    pixelSpacing: rowSpacing !== undefined && columnSpacing !== undefined
      ? { row: rowSpacing, column: columnSpacing }
      : undefined,
    transferSyntax: text("x00020010") ?? "",
    photometricInterpretation: text("x00280004"),
    rows: dataSet.uint16("x00280010") ?? 0,
    columns: dataSet.uint16("x00280011") ?? 0,
    samplesPerPixel: dataSet.uint16("x00280002") ?? 1,
    frames: number("x00280008") ?? 1,
    bitsAllocated: dataSet.uint16("x00280100"),
    bitsStored: dataSet.uint16("x00280101"),
    highBit: dataSet.uint16("x00280102"),
    signed: dataSet.uint16("x00280103") === 1,
    rescale: { slope: number("x00281053") ?? 1, intercept: number("x00281052") ?? 0 },
    window: center !== undefined && width !== undefined ? { center, width } : undefined,
  };
}
