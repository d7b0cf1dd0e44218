import type { TableValue } from "./table.ts";

/**
 * The measures of overlap of two masks, each with its formula in numbers.
 *
 * @param overlap Pixels in both masks, in the prediction, and in the annotation, which is not empty.
 */
export function overlapRows(
  { common, predicted, annotated }: { common: number; predicted: number; annotated: number },
): Record<string, TableValue>[] {
  const union = predicted + annotated - common;
  const text = (count: number) => count.toLocaleString("en");
  return [
    {
      measure: "dice",
      "in words": "twice what both mark, of all that is marked",
      "in pixels": `2 x ${text(common)} / (${text(predicted)} + ${text(annotated)})`,
      value: 2 * common / (predicted + annotated),
    },
    {
      measure: "IoU",
      "in words": "what both mark, of what either marks",
      "in pixels": `${text(common)} / ${text(union)}`,
      value: common / union,
    },
    {
      measure: "precision",
      "in words": "of what is predicted, how much is right",
      "in pixels": `${text(common)} / ${text(predicted)}`,
      value: common / predicted,
    },
    {
      measure: "recall",
      "in words": "of what is annotated, how much is found",
      "in pixels": `${text(common)} / ${text(annotated)}`,
      value: common / annotated,
    },
  ];
}
