import type { FilmShape } from "@/data/mod.ts";
import type { DicomFile } from "@/dicom/mod.ts";
import { connectedComponents } from "@/postprocessing/mod.ts";

/** A side of the patient, not of the image. */
export type Side = "right" | "left";

/** One connected part of a mask (corners count as touching), in pixels of the film. */
export interface Region {
  areaPixels: number;
  areaMm2: number | null;
  /** Mean of its pixels' places, from the upper left pixel's centre. */
  centroid: { x: number; y: number };
  /** The smallest rectangle around it. */
  box: { left: number; top: number; width: number; height: number };
  /** Where its centroid lies. */
  side: Side;
}

/** What a mask says of its film. */
export interface FilmDescription {
  positive: boolean;
  areaPixels: number;
  /** `null` where the film's header has no spacing. */
  areaMm2: number | null;
  /**
   * In mm. "ImagerPixelSpacing" is that of the detector: what lies before it is magnified, so areas are
   * some per cent too large.
   */
  pixelSpacing: { row: number; column: number; from: "PixelSpacing" | "ImagerPixelSpacing" } | null;
  side: Side | "both" | null;
  /**
   * "PatientOrientation" if the header says it; else "assumed": the patient's right is at the left, as
   * films are shown.
   */
  sideFrom: "PatientOrientation" | "assumed";
  /** Mean probability within the mask, 0 to 1; `null` if it is empty. It is not calibrated. */
  confidence: number | null;
  /** Of any pixel of the film. */
  highestProbability: number;
  /** The largest first. */
  regions: Region[];
}

/** A mask as it was predicted, and at its film's own size. */
export interface PredictedMask {
  /** 0 or 1, row-major, at the film's own size. // [height * width] */
  mask: Uint8Array;
  shape: FilmShape;
  /** 0 or 1, row-major. // [1024 * 1024] */
  square: Uint8Array;
  /** 0 to 1, row-major. // [1024 * 1024] */
  probabilities: Float32Array;
}

/** Describes a predicted mask: area, places, sides, confidence. */
export function describeMask(predicted: PredictedMask, file: DicomFile): FilmDescription {
  const { mask, shape } = predicted;
  const pixelSpacing = spacingOf(file);
  const mm2 = pixelSpacing && pixelSpacing.row * pixelSpacing.column;
  const { leftOfImage, sideFrom } = orientationOf(file);
  const regions = findRegions(mask, shape).map(({ areaPixels, centroid, box }): Region => {
    const isLeft = centroid.x < (shape.width - 1) / 2;
    const side = isLeft === (leftOfImage === "right") ? "right" : "left";
    return { areaPixels, areaMm2: mm2 && areaPixels * mm2, centroid, box, side };
  });
  const areaPixels = regions.reduce((sum, region) => sum + region.areaPixels, 0);
  const sides = new Set(regions.map(({ side }) => side));
  const [side = null] = sides;
  return {
    positive: areaPixels > 0,
    areaPixels,
    areaMm2: mm2 && areaPixels * mm2,
    pixelSpacing,
    side: sides.size > 1 ? "both" : side,
    sideFrom,
    ...probabilitiesOf(predicted),
    regions,
  };
}

function probabilitiesOf(
  { square, probabilities }: PredictedMask,
): Pick<FilmDescription, "confidence" | "highestProbability"> {
  let inside = 0, sum = 0, highest = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i]!;
    if (probability > highest) highest = probability;
    if (square[i] === 0) continue;
    inside++;
    sum += probability;
  }
  return { confidence: inside === 0 ? null : sum / inside, highestProbability: highest };
}

type Place = Omit<Region, "areaMm2" | "side">;

function findRegions(mask: Uint8Array, { width, height }: FilmShape): Place[] {
  const { labels, areas } = connectedComponents(mask, width, height, 8);
  const sums = Array.from(areas, () => ({
    x: 0,
    y: 0,
    left: width,
    right: -1,
    top: height,
    bottom: -1,
  }));
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    const sum = sums[labels[i]!]!;
    const [x, y] = [i % width, Math.floor(i / width)];
    sum.x += x;
    sum.y += y;
    sum.left = Math.min(sum.left, x);
    sum.right = Math.max(sum.right, x);
    sum.top = Math.min(sum.top, y);
    sum.bottom = y;
  }
  // Label 0 is the background.
  const places = sums.slice(1).map(({ x, y, left, right, top, bottom }, i): Place => {
    const areaPixels = areas[i + 1]!;
    const box = { left, top, width: right - left + 1, height: bottom - top + 1 };
    return { areaPixels, centroid: { x: x / areaPixels, y: y / areaPixels }, box };
  });
  return places.sort((a, b) => b.areaPixels - a.areaPixels);
}

function spacingOf({ dataSet }: DicomFile): FilmDescription["pixelSpacing"] {
  const tags = [["x00280030", "PixelSpacing"], ["x00181164", "ImagerPixelSpacing"]] as const;
  for (const [tag, from] of tags) {
    const [row, column] = [0, 1].map((index) => dataSet.floatString(tag, index));
    if (row !== undefined && column !== undefined && row > 0 && column > 0) {
      return { row, column, from };
    }
  }
  return null;
}

/**
 * PS3.3, C.7.6.1.1.1: where the rows of the image lead, as letters of the patient's sides, the side that they
 * lead to most first.
 */
function orientationOf(
  { dataSet }: DicomFile,
): { leftOfImage: Side; sideFrom: FilmDescription["sideFrom"] } {
  const rows = dataSet.string("x00200020", 0)?.trim()[0];
  if (rows === "L") return { leftOfImage: "right", sideFrom: "PatientOrientation" };
  if (rows === "R") return { leftOfImage: "left", sideFrom: "PatientOrientation" };
  return { leftOfImage: "right", sideFrom: "assumed" };
}
