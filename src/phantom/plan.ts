import { deterministicUid } from "@/dicom/mod.ts";
import { Random } from "@/random/mod.ts";
import { difficulties, type Difficulty } from "./difficulty.ts";

/** What a data set is made from: the same recipe gives the same bytes. */
export interface Recipe {
  /** Counted up whenever the same seed draws something else. */
  version: number;
  seed: number;
  difficulty: Difficulty;
  /** Films to train on, the unlabelled ones included. */
  train: number;
  /** Films to predict. */
  test: number;
}

/** The current {@linkcode Recipe.version}. */
export const recipeVersion = 1;

/** One film before it is drawn. */
export interface FilmPlan {
  imageId: string;
  split: "train" | "test";
  studyInstanceUid: string;
  seriesInstanceUid: string;
  /** Seed of the drawing. */
  seed: number;
  positive: boolean;
  /** False: the film gets no row in `train-rle.csv`. */
  labelled: boolean;
  /** Stored inverted, as MONOCHROME1. */
  inverted: boolean;
  patientId: string;
  sex: "M" | "F";
  age: number;
  view: "PA" | "AP";
  /** In how many rows the mask is written, if there is one. */
  parts: number;
  /** Whether these rows overlap. */
  overlapping: boolean;
}

type Kind = Pick<FilmPlan, "positive" | "labelled">;

/** Films a patient has, in equal shares: in the competition, one patient in three has several. */
const filmsPerPatient = [1, 1, 1, 1, 1, 1, 2, 2, 3, 5];

/**
 * Plans a data set with the competition's oddities: patients with several films, some of them with
 * and without pneumothorax; films without a label; masks in several rows, some overlapping; films
 * stored inverted. However few films there are, at least one of each kind is planned, as far as the
 * number allows.
 */
export function planDataset(recipe: Recipe): FilmPlan[] {
  return [...planSplit(recipe, "train"), ...planSplit(recipe, "test")];
}

function planSplit(recipe: Recipe, split: "train" | "test"): FilmPlan[] {
  const { version, seed, difficulty } = recipe;
  const name = `phantom/${version}/${difficulty}/${seed}/${split}`;
  const random = new Random(seed, name);
  const kinds = planKinds(recipe, split, random);
  const plans: FilmPlan[] = [];
  let positives = 0;
  let patient = -1;
  let filmsLeft = 0;
  let person = drawPerson(random);
  for (const [index, kind] of kinds.entries()) {
    if (filmsLeft === 0) {
      patient++;
      // The first patient gets the two films that come first: one of each class.
      filmsLeft = patient === 0 ? 2 : random.pick(filmsPerPatient);
      person = drawPerson(random);
    }
    filmsLeft--;
    plans.push({
      imageId: deterministicUid(`${name}/${index}/image`),
      split,
      studyInstanceUid: deterministicUid(`${name}/${index}/study`),
      seriesInstanceUid: deterministicUid(`${name}/${index}/series`),
      seed: random.integer(2 ** 32),
      ...kind,
      inverted: index === 0 || random.chance(0.02),
      patientId: `phantom-${split}-${String(patient).padStart(5, "0")}`,
      ...person,
      view: random.chance(0.6) ? "PA" : "AP",
      ...planRows(random, kind.positive && kind.labelled ? positives++ : undefined),
    });
  }
  return plans;
}

/** Which films are positive and labelled, in random order; the first two are one of each class. */
function planKinds(recipe: Recipe, split: "train" | "test", random: Random): Kind[] {
  const { prevalence } = difficulties[recipe.difficulty];
  const count = recipe[split];
  // Of the competition's training films 0.3 % have no label.
  const unlabelled = split === "train"
    ? Math.min(Math.floor(count / 3), Math.max(2, Math.round(0.003 * count)))
    : 0;
  const labelled = count - unlabelled;
  const positives = Math.min(labelled, Math.max(1, Math.round(prevalence * labelled)));
  const kinds: Kind[] = Array.from({ length: count }, (_, index) => ({
    positive: index < positives || (index >= labelled && random.chance(prevalence)),
    labelled: index < labelled,
  }));
  const [positive, ...rest] = kinds;
  const negative = rest.splice(positives - 1, 1);
  return [...(positive ? [positive] : []), ...negative, ...random.shuffle(rest)];
}

function drawPerson(random: Random): Pick<FilmPlan, "sex" | "age"> {
  const age = Math.min(94, Math.max(2, Math.round(random.normal(49, 17))));
  return { sex: random.chance(0.565) ? "M" : "F", age };
}

/** Rows of the n-th labelled positive: 23 % of the competition's have several, 7 % overlapping. */
function planRows(random: Random, nth: number | undefined) {
  if (nth === 0) return { parts: 2, overlapping: true };
  if (nth === 1) return { parts: 2, overlapping: false };
  const several = random.chance(0.23);
  const parts = several ? random.pick([2, 2, 2, 3]) : 1;
  return { parts, overlapping: several && random.chance(0.29) };
}
