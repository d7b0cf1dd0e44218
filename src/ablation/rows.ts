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

const BASELINE = { experiment: "baseline" } as const;

/** All rows; in each group the first is the baseline, but for post-processing, where it is "plain". */
export const ABLATION: readonly AblationRow[] = [
  ...of("architecture", {
    "simplified U-Net++": "baseline",
    "U-Net (2015)": "unet",
    "encoder U-Net": "encoder-unet",
    "U-Net++": "unet-plus-plus",
  }),
  ...of("loss", {
    "BCE + dice": "baseline",
    "BCE": "bce",
    "dice": "dice",
    "focal": "focal",
    "3 BCE + dice + 4 focal": "bce-dice-focal",
    "Lovász": "lovasz",
  }),
  ...Object.entries(
    {
      "last epoch": "last",
      "best dice": "best-dice",
      "SWA, epochs 6 to 8": "swa",
      "EMA, decay 0.98": "ema",
      "mean of the best 3": "best-k",
    } satisfies Record<string, CheckpointName>,
  ).map(([name, checkpoint]) => ({
    group: "averaging" as const,
    name,
    members: [{ ...BASELINE, checkpoint }],
    way: "system" as const,
  })),
  ...Object.entries(
    {
      "threshold 0.5": "plain",
      "+ mirrored (TTA)": "mirrored",
      "+ components >= 2,000 px": "system",
      "triplet rule instead": "triplet",
      "all fitted on validation": "fitted",
    } satisfies Record<string, Way>,
  ).map(([name, way]) => ({
    group: "post-processing" as const,
    name,
    members: [BASELINE],
    way,
  })),
  ...Object.entries(
    {
      "one model": [BASELINE],
      "two seeds": [BASELINE, { ...BASELINE, nextSeed: true }],
      "two architectures": [BASELINE, { experiment: "encoder-unet" }],
      "four architectures": [
        BASELINE,
        { experiment: "encoder-unet" },
        { experiment: "unet-plus-plus" },
        { experiment: "unet" },
      ],
    } satisfies Record<string, Member[]>,
  ).map(([name, members]) => ({
    group: "ensemble" as const,
    name,
    members,
    way: "system" as const,
  })),
];

function of(group: AblationRow["group"], experiments: Record<string, string>): AblationRow[] {
  return Object.entries(experiments).map(([name, experiment]) => {
    return { group, name, members: [{ experiment }], way: "system" };
  });
}
