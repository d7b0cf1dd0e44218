import type { Experiment } from "@/experiments/mod.ts";
import { table } from "./table.ts";

/** One thing that an experiment chooses, in words. */
export interface Choice {
  choice: string;
  value: string;
}

/** Shows what an experiment chooses, a line each. */
export async function showExperiment(experiment: Experiment): Promise<void> {
  await table(
    experimentChoices(experiment).map(({ choice, value }) => {
      return { [experiment.name]: choice, "": value };
    }),
  );
}

/** What an experiment chooses: where it starts, network, films, and how it trains. */
export function experimentChoices(experiment: Experiment): Choice[] {
  const { data, model, training } = experiment;
  const { batch, accumulation, learningRate } = training;
  const choices: Record<string, string> = {
    "starts from": startOf(experiment),
    network: `${model.architecture}, ${model.encoder}, ${model.normalization ?? "batch"} ` +
      "normalization",
    size: `${data.size} x ${data.size} px`,
    epochs: `${training.epochs}`,
    batch: `${batch} films` +
      (accumulation > 1 ? `, ${accumulation} batches to a step of the optimizer` : ""),
    loss: Object.entries(training.loss).map(([name, weight]) => `${weight} ${name}`).join(" + "),
    optimizer: training.optimizer.kind,
    "learning rate": `${learningRate.schedule} from ${learningRate.initial}`,
    "films with pneumothorax": sharesOf(training.positiveShare),
    averages: averagesOf(training),
  };
  return Object.entries(choices).map(([choice, value]) => ({ choice, value }));
}

function startOf({ parent, parentCheckpoint, model }: Experiment): string {
  if (parent !== undefined) return `${parentCheckpoint} of ${parent}`;
  return model.weights === undefined ? "random weights" : `encoder weights of ${model.weights}`;
}

function sharesOf(share: Experiment["training"]["positiveShare"]): string {
  if (share === undefined) return "as many as the data have";
  const percent = (part: number) => `${Number((100 * part).toPrecision(3))} %`;
  if (typeof share === "number") return percent(share);
  return `${percent(share.from)} in the first epoch, ${percent(share.to)} in the last`;
}

function averagesOf({ swa, ema, bestK }: Experiment["training"]): string {
  const averages = [
    ...(swa ? [`the ${swa.each ?? "epoch"}s' weights from epoch ${swa.startEpoch} on`] : []),
    ...(ema ? [`moving, decay ${ema.decay}`] : []),
    ...(bestK ? [`the ${bestK.count} best epochs`] : []),
  ];
  return averages.join("; ") || "none";
}
