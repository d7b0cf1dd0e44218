import type { TopLevelSpec } from "vega-lite";
import type { CheckpointScore, Run } from "@/experiments/mod.ts";
import type { AverageShare, ScheduledRate, StagePlan } from "@/training/mod.ts";
import { bars } from "./bars.ts";
import { lines } from "./lines.ts";
import { panels } from "./panels.ts";
import { percent } from "./percent.ts";

/**
 * How many of the films that are drawn for each epoch have a pneumothorax.
 *
 * @param epochs The films of each epoch.
 * @param all All training films, whose share is drawn in grey.
 */
export function drawnShares(
  epochs: readonly (readonly { positive: boolean }[])[],
  all: readonly { positive: boolean }[],
): TopLevelSpec {
  const share = (films: readonly { positive: boolean }[]) =>
    100 * films.filter(({ positive }) => positive).length / films.length;
  const rows = epochs.map((films, i) => ({ x: i + 1, y: share(films), series: "drawn" }));
  return lines(rows, {
    title: `From ${rows[0]!.y.toFixed(0)} % to ${rows.at(-1)!.y.toFixed(0)} % with pneumothorax`,
    subtitle: `Films drawn for each epoch; grey: all training films, ${share(all).toFixed(0)} %`,
    x: "epoch",
    y: "films with pneumothorax (%)",
    fromZero: true,
    wholeX: true,
    height: 180,
    below: [1, epochs.length].map((x) => ({ x, y: share(all), series: "all" })),
  });
}

/** Learning rates over the epochs of a stage, by the name of the schedule. */
export function scheduleChart(
  schedules: Readonly<Record<string, readonly ScheduledRate[]>>,
): TopLevelSpec {
  const curves = Object.entries(schedules).map(([name, rates]) => {
    const highest = Math.max(...rates.map(({ rate }) => rate));
    const top = rates.findIndex(({ rate }) => rate === highest);
    return { name, rates, half: rates.slice(top).find(({ rate }) => rate <= highest / 2) };
  });
  const halved = curves.flatMap(({ name, half }) => half ? [{ name, epoch: half.epoch }] : []);
  const epochs = Math.max(...curves.flatMap(({ rates }) => rates.map(({ epoch }) => epoch)));
  return lines(
    curves.flatMap(({ name, rates }) =>
      rates.map(({ epoch, rate }) => ({ x: epoch, y: rate, series: name }))
    ),
    {
      title: halved.length === 0
        ? "The rate stays"
        : `Half of the highest rate: ${
          halved.map(({ name, epoch }) => `${name} at epoch ${Number(epoch.toPrecision(3))}`)
            .join(", ")
        }`,
      subtitle: `${curves.length} ${curves.length === 1 ? "schedule" : "schedules"} over ${
        epochs.toFixed(0)
      } epochs`,
      x: "epoch",
      y: "learning rate",
      fromZero: true,
    },
  );
}

/**
 * The learning rate through a whole chain of stages, one after the other, on a logarithmic axis.
 *
 * @param stages In the order of training.
 */
export function chainSchedule(
  stages: readonly { name: string; epochs: number; rates: readonly ScheduledRate[] }[],
): TopLevelSpec {
  let before = 0;
  const rows = stages.flatMap(({ name, epochs, rates }) => {
    // A cosine ends at 0, which has no place on a logarithmic axis: its last hundredth is left out.
    const highest = Math.max(...rates.map(({ rate }) => rate));
    const drawn = rates.filter(({ rate }) => rate >= highest / 100)
      .map(({ epoch, rate }) => ({ x: before + epoch, y: rate, series: name }));
    before += epochs;
    return drawn;
  });
  const initial = stages.map(({ rates }) => Math.max(...rates.map(({ rate }) => rate)));
  return lines(rows, {
    title: `${before} epochs in ${stages.length} stages, from a rate of ${
      Math.max(...initial).toExponential(0)
    } to one of ${initial.at(-1)!.toExponential(0)} in the last`,
    subtitle: "Each stage starts from the weights of the one before",
    x: "epoch of the whole chain",
    y: "learning rate (logarithmic)",
    logarithmic: true,
    height: 200,
  });
}

/** How much each epoch counts in an average of weights. */
export function averagesChart(shares: readonly AverageShare[], { experiment }: Run): TopLevelSpec {
  const last = shares.filter(({ epoch }) => epoch === experiment.training.epochs);
  return lines(
    shares.map(({ epoch, share, average }) => ({ x: epoch, y: 100 * share, series: average })),
    {
      title: `The last epoch is ${
        last.map(({ share, average }) => `${percent(share)} of ${average}`).join(", ")
      }`,
      subtitle: `${experiment.name}: ${experiment.training.epochs} epochs`,
      x: "epoch",
      y: "share of the average (%)",
      fromZero: true,
      wholeX: true,
      height: 200,
    },
  );
}

/**
 * The validation dice of checkpoints of several runs.
 *
 * @param runs The stages with their checkpoints; those without a dice are left out.
 */
export function checkpointChart(
  runs: readonly { name: string; scores: readonly CheckpointScore[] }[],
): TopLevelSpec {
  const rows = runs.flatMap(({ name, scores }) =>
    scores.flatMap(({ checkpoint, dice }) =>
      dice === null ? [] : [{ label: checkpoint as string, value: dice, name }]
    )
  );
  const best = rows.reduce((best, row) => row.value > best.value ? row : best);
  const charts = runs.map(({ name }) =>
    bars(rows.filter((row) => row.name === name).map(({ label, value }) => ({ label, value })), {
      title: name,
      x: "checkpoint",
      y: "validation dice",
      format: ".3f",
      width: 340,
      height: 180,
      highest: 1,
    })
  );
  return panels(charts, {
    title: `Best on the validation films: ${best.label} of ${best.name}, dice ${
      best.value.toFixed(3)
    }`,
    subtitle: "At the network's size, before post-processing; the best of several is optimistic",
  });
}

/** Estimated memory of stages, with activations that are kept and with those computed again. */
export function memoryChart(
  plans: readonly { kept: StagePlan; recomputed: StagePlan }[],
): TopLevelSpec {
  const gigabytes = ({ memory }: StagePlan) => memory.total / 1e9;
  const last = plans.at(-1)!;
  return bars(
    plans.flatMap(({ kept, recomputed }) => {
      const { data, training } = kept.experiment;
      const label = `${data.size} px, ${training.batch} films`;
      return [
        { label, value: gigabytes(kept), series: "kept" },
        { label, value: gigabytes(recomputed), series: "computed again" },
      ];
    }),
    {
      title: `At ${last.kept.experiment.data.size} px ${
        gigabytes(last.recomputed).toFixed(1)
      } GB instead of ${gigabytes(last.kept).toFixed(1)} GB`,
      subtitle: "Estimated from a step at 32 and 64 px; the program and its films come on top",
      x: "network input and batch",
      y: "memory (GB)",
      format: ".1f",
    },
  );
}
