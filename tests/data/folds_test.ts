import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { sha256 } from "@/files/mod.ts";
import { groupedStratifiedFolds, holdOut, type Splittable, stratifiedSplit } from "@/data/mod.ts";
import { Random } from "@/random/mod.ts";

/** Films as in the competition: 22 % positive, a third of the films from patients with several. */
function makeFilms(count: number, seed = 1): Splittable[] {
  const random = new Random(seed, "films");
  const films: Splittable[] = [];
  for (let patient = 0; films.length < count; patient++) {
    const size = random.chance(0.7) ? 1 : 1 + random.integer(random.chance(0.05) ? 30 : 5);
    for (let i = 0; i < size && films.length < count; i++) {
      const positive = random.chance(0.22);
      const area = positive ? Math.round(Math.exp(random.normal(9, 1.1))) : 0;
      films.push({
        imageId: `film${films.length}`,
        patientId: `patient${patient}`,
        positive,
        area,
      });
    }
  }
  return films;
}

const ids = (films: readonly Splittable[]) => films.map((film) => film.imageId);
const patientsOf = (films: readonly Splittable[]) => new Set(films.map((film) => film.patientId));
const positives = (films: readonly Splittable[]) => films.filter((film) => film.positive);

Deno.test("groupedStratifiedFolds() places every film once and no patient twice", () => {
  const films = makeFilms(1500);
  const folds = groupedStratifiedFolds(films, { folds: 5, seed: 7 });
  assertEquals(folds.length, 5);
  assertEquals(ids(folds.flat()).sort(), ids(films).sort());
  for (const [i, fold] of folds.entries()) {
    for (const other of folds.slice(i + 1)) {
      assert(patientsOf(fold).isDisjointFrom(patientsOf(other)));
    }
  }
});

Deno.test("groupedStratifiedFolds() balances sizes, classes and area quartiles", () => {
  const films = makeFilms(1500);
  const sorted = positives(films).map((film) => film.area).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  const folds = groupedStratifiedFolds(films, { folds: 5, seed: 7 });
  const largeShare = positives(films).filter((film) => film.area >= median).length / 5;
  for (const fold of folds) {
    assertLessOrEqual(Math.abs(fold.length - 300), 2);
    assertLessOrEqual(Math.abs(positives(fold).length - positives(films).length / 5), 2);
    const large = positives(fold).filter((film) => film.area >= median).length;
    assertLessOrEqual(Math.abs(large - largeShare), 3);
  }
});

Deno.test("groupedStratifiedFolds() is perfectly even where that is possible", () => {
  const films = Array.from({ length: 40 }, (_, i) => ({
    imageId: `film${i}`,
    patientId: `patient${i}`,
    positive: i < 20,
    area: i < 20 ? 100 + i : 0,
  }));
  for (const fold of groupedStratifiedFolds(films, { folds: 5, seed: 3 })) {
    assertEquals(fold.length, 8);
    // Each quartile holds five positives, one for each fold.
    assertEquals(positives(fold).map((film) => Math.floor((film.area - 100) / 5)).sort(), [
      0,
      1,
      2,
      3,
    ]);
  }
});

Deno.test("groupedStratifiedFolds() depends on the seed, not on the order of films", () => {
  const films = makeFilms(300);
  const folds = groupedStratifiedFolds(films, { folds: 4, seed: 7 }).map(ids);
  const shuffled = new Random(9).shuffle(films);
  assertEquals(groupedStratifiedFolds(shuffled, { folds: 4, seed: 7 }).map(ids), folds);
  assertNotEquals(groupedStratifiedFolds(films, { folds: 4, seed: 8 }).map(ids), folds);
});

Deno.test("groupedStratifiedFolds() depends on which films are of one patient, not on the patient's name", () => {
  const films = makeFilms(300);
  const renamed = films.map((film) => ({ ...film, patientId: sha256(`salt ${film.patientId}`) }));
  const names = (folds: { imageId: string }[][]) =>
    folds.map((fold) => fold.map(({ imageId }) => imageId));
  const options = { folds: 5, seed: 3 };
  const [before, after] = [films, renamed].map((all) => groupedStratifiedFolds(all, options));
  assertEquals(names(after!), names(before!));
  const split = { seed: 3, groupByPatient: true };
  const [whole, hashed] = [films, renamed].map((all) => stratifiedSplit(all, split));
  assertEquals(names([hashed!.training]), names([whole!.training]));
});

Deno.test("groupedStratifiedFolds() refuses too few patients, films there twice, ill counts", () => {
  const films = makeFilms(100);
  const twins = films.slice(0, 3).map((film) => ({ ...film, patientId: "one" }));
  assertThrows(() => groupedStratifiedFolds(twins, { folds: 2, seed: 1 }), RangeError, "patients");
  assertThrows(() => groupedStratifiedFolds([], { folds: 2, seed: 1 }), RangeError, "there are 0");
  assertThrows(
    () => groupedStratifiedFolds([...films, films[0]!], { folds: 2, seed: 1 }),
    RangeError,
    "twice: film0",
  );
  for (const folds of [1, 0, 2.5]) {
    assertThrows(() => groupedStratifiedFolds(films, { folds, seed: 1 }), RangeError, `${folds}`);
  }
});

Deno.test("holdOut() gives one fold for validation and all others for training", () => {
  const folds = groupedStratifiedFolds(makeFilms(60), { folds: 3, seed: 1 });
  const { training, validation } = holdOut(folds, 1);
  assertEquals(ids(validation), ids(folds[1]!));
  assertEquals(ids(training), ids([...folds[0]!, ...folds[2]!]).sort());
  assertThrows(() => holdOut(folds, 3), RangeError, "from 0: 3");
});

for (const groupByPatient of [false, true]) {
  Deno.test(`stratifiedSplit() keeps shares, groupByPatient ${groupByPatient}`, () => {
    const films = makeFilms(1000);
    const { training, validation } = stratifiedSplit(films, { seed: 4, groupByPatient });
    assertEquals(ids([...training, ...validation]).sort(), ids(films).sort());
    assertLessOrEqual(Math.abs(validation.length - 150), 1);
    const expected = 0.15 * positives(films).length;
    assertLessOrEqual(Math.abs(positives(validation).length - expected), 2);
    const shared = patientsOf(training).intersection(patientsOf(validation)).size;
    assertEquals(shared > 0, !groupByPatient);
    const again = stratifiedSplit(new Random(2).shuffle(films), { seed: 4, groupByPatient });
    assertEquals(again, { training, validation });
    const other = stratifiedSplit(films, { seed: 5, groupByPatient });
    assertNotEquals(ids(other.validation), ids(validation));
  });
}

Deno.test("stratifiedSplit() refuses ill shares and empty parts", () => {
  const films = makeFilms(50);
  for (const validation of [0, 1, -0.1, NaN]) {
    assertThrows(
      () => stratifiedSplit(films, { validation, seed: 1, groupByPatient: true }),
      RangeError,
      `${validation}`,
    );
  }
  assertThrows(
    () => stratifiedSplit(films.slice(0, 1), { seed: 1, groupByPatient: true }),
    RangeError,
    "empty",
  );
});
