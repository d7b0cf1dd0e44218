import type { TopLevelSpec } from "vega-lite";
import type { Member, Run } from "@/experiments/mod.ts";
import { flowDiagram, type FlowStep } from "./flow.ts";

const KINDS = { data: "#CFE3F1", step: "#FFFFFF", model: "#FBE3CC" };

/** The way of one film through an ensemble, as its members and the rule have it. */
export function ensembleFlow(
  members: readonly Member[],
  { flip, rule }: { flip: boolean; rule: string },
): TopLevelSpec {
  const views = flip ? ["as it is", "mirrored"] : ["as it is"];
  // That films are mirrored stands in boxes of its own.
  const ruleLines = rule.split(", ").filter((line) => line !== "mirrored too");
  const steps: FlowStep[] = [
    { id: "film", column: 0, kind: "data", lines: ["film", "1024 x 1024"] },
    ...members.flatMap(({ run, checkpoint }, i): FlowStep[] => {
      const { name, data } = run.experiment;
      const size = `${data.size} x ${data.size}`;
      const seen = views.map((view): FlowStep => ({
        id: `view ${i} ${view}`,
        column: 1,
        kind: "step",
        lines: [`${view}, ${size}`],
        from: ["film"],
      }));
      return [
        ...seen,
        {
          id: `model ${i}`,
          column: 2,
          kind: "model",
          lines: [name, `${checkpoint} weights`],
          from: seen.map(({ id }) => id),
        },
        {
          id: `map ${i}`,
          column: 3,
          kind: "step",
          lines: flip ? ["mirror back, mean", "to 1024 x 1024"] : ["to 1024 x 1024"],
          from: [`model ${i}`],
        },
      ];
    }),
    {
      id: "mean",
      column: 4,
      kind: "step",
      lines: ["mean", `of ${members.length}`],
      from: members.map((_, i) => `map ${i}`),
    },
    { id: "mask", column: 5, kind: "data", lines: ["mask", ...ruleLines], from: ["mean"] },
  ];
  return flowDiagram(steps, KINDS, {
    title: `${views.length * members.length} predictions of a film become one mask`,
    subtitle: "Test-time augmentation and ensemble, as the runs' records say",
    gap: 26,
  });
}

/** What the whole way did to the data, with its numbers. */
export function wholeFlow(
  { files, films, excluded, split, stages, members, dice, submission }: {
    /** DICOM files of training and test. */
    files: number;
    films: { train: number; test: number };
    excluded: number;
    split: { training: number; validation: number };
    /** The chain of stages, the first one first. */
    stages: readonly Run[];
    members: readonly Member[];
    /** Mean dice of the ensemble on the validation films. */
    dice: number;
    submission: { films: number; positives: number };
  },
): TopLevelSpec {
  const stageOf = (id: string) => `stage ${stages.findIndex((run) => run.id === id)}`;
  const steps: FlowStep[] = [
    { id: "files", column: 0, kind: "data", lines: ["DICOM", `${files} files`] },
    {
      id: "index",
      column: 1,
      kind: "data",
      lines: ["films", `${films.train} annotated`, `${films.test} to predict`],
      from: ["files"],
    },
    { id: "excluded", column: 1, kind: "data", lines: [`${excluded} left out`], from: ["files"] },
    {
      id: "split",
      column: 2,
      kind: "data",
      lines: ["split by patient", `${split.training} to train`, `${split.validation} to validate`],
      from: ["index"],
    },
    ...stages.map(({ experiment, metrics }, i): FlowStep => ({
      id: `stage ${i}`,
      column: 3,
      kind: "model",
      lines: [
        `${i + 1}: ${experiment.data.size} px, ${metrics.length} ${
          metrics.length === 1 ? "epoch" : "epochs"
        }`,
        Object.entries(experiment.training.loss).map(([loss, weight]) =>
          weight === 1 ? loss : `${weight} ${loss}`
        ).join(" + "),
      ],
      from: i === 0 ? ["split"] : [`stage ${i - 1}`],
    })),
    {
      id: "ensemble",
      column: 4,
      kind: "step",
      lines: ["ensemble", "mean of", ...members.map(({ run }) => `${run.experiment.data.size} px`)],
      from: members.map(({ run }) => stageOf(run.id)),
    },
    {
      id: "rule",
      column: 5,
      kind: "step",
      lines: ["fitted rule", `dice ${dice.toFixed(3)}`],
      from: ["ensemble"],
    },
    {
      id: "submission",
      column: 6,
      kind: "data",
      lines: ["submission.csv", `${submission.films} films`, `${submission.positives} marked`],
      from: ["rule"],
    },
  ];
  return flowDiagram(steps, KINDS, {
    title: `${files} files, ${stages.length} stages, ${members.length} models: one submission`,
    subtitle: "The whole way with the numbers of this run; dice of the validation films",
    gap: 24,
  });
}
