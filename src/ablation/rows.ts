import type { CheckpointName } from "@/experiments/mod.ts";

/** One model of a row: a run of an experiment in `experiments/ablation/`. */
export interface Member {
  /** The file's name without `.yaml`. */
  experiment: string;
  /** Default: "final", which is the last epoch in all of them. */
  checkpoint?: CheckpointName;
  /** Whether the run is that of the next seed; the last seed is followed by the first. Default: no. */
  nextSeed?: boolean;
}

/**
 * How probabilities become a mask: the pixels above one half ("plain"); the same of the mean with the
 * mirrored film ("mirrored"); the same without small components ("system", the experiment's own rule);
 * the triplet rule, or the whole post-processing, that fits the validation films best.
 */
export type Way = "plain" | "mirrored" | "system" | "triplet" | "fitted";

/** One line of the table. */
export interface AblationRow {
  /** What the rows of a group differ in. */
  group: "architecture" | "loss" | "averaging" | "post-processing" | "ensemble";
  name: string;
  members: readonly Member[];
  way: Way;
}

const BASELINE: Member = { experiment: "baseline" };

/** All rows; what a row does not say is the baseline's. */
export const ABLATION: readonly AblationRow[] = [
  ...group("architecture", {
    "simplified U-Net++": {},
    "U-Net (2015)": { members: [{ experiment: "unet" }] },
    "encoder U-Net": { members: [{ experiment: "encoder-unet" }] },
    "U-Net++": { members: [{ experiment: "unet-plus-plus" }] },
  }),
  ...group("loss", {
    "BCE + dice": {},
    "BCE": { members: [{ experiment: "bce" }] },
    "dice": { members: [{ experiment: "dice" }] },
    "focal": { members: [{ experiment: "focal" }] },
    "3 BCE + dice + 4 focal": { members: [{ experiment: "bce-dice-focal" }] },
    "Lovász": { members: [{ experiment: "lovasz" }] },
  }),
  ...group("averaging", {
    "last epoch": {},
    "best dice": { members: [{ ...BASELINE, checkpoint: "best-dice" }] },
    "SWA, epochs 6 to 8": { members: [{ ...BASELINE, checkpoint: "swa" }] },
    "EMA, decay 0.98": { members: [{ ...BASELINE, checkpoint: "ema" }] },
    "mean of the best 3": { members: [{ ...BASELINE, checkpoint: "best-k" }] },
  }),
  ...group("post-processing", {
    "threshold 0.5": { way: "plain" },
    "+ mirrored (TTA)": { way: "mirrored" },
    "+ components >= 2,000 px": {},
    "triplet rule instead": { way: "triplet" },
    "all fitted on validation": { way: "fitted" },
  }),
  ...group("ensemble", {
    "one model": {},
    "two seeds": { members: [BASELINE, { ...BASELINE, nextSeed: true }] },
    "two architectures": { members: [BASELINE, { experiment: "encoder-unet" }] },
    "four architectures": {
      members: [
        BASELINE,
        { experiment: "encoder-unet" },
        { experiment: "unet-plus-plus" },
        { experiment: "unet" },
      ],
    },
  }),
];

function group(
  group: AblationRow["group"],
  choices: Record<string, { members?: readonly Member[]; way?: Way }>,
): AblationRow[] {
  return Object.entries(choices).map(([name, choice]) => {
    return { group, name, members: [BASELINE], way: "system", ...choice };
  });
}
