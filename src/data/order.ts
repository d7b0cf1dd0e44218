import { Random } from "@/random/mod.ts";

/**
 * The order in which an epoch goes through the films. It has as many entries as there are films.
 *
 * @param films The films, each once.
 * @param options.seed The run's seed.
 * @param options.epoch From 0; each epoch has its own order, whatever was drawn before.
 * @param options.positiveShare Share of positives wanted in the epoch, 0 to 1. Positives and
 * negatives are then repeated as evenly as possible, or left out by chance. Default: each film once.
 * @throws {RangeError} If the share is not in 0 to 1, or asks for films of a class that has none.
 */
export function epochOrder<T extends { positive: boolean }>(
  films: readonly T[],
  options: { seed: number; epoch: number; positiveShare?: number },
): T[] {
  const { seed, epoch, positiveShare } = options;
  const random = new Random(seed, "order", epoch);
  if (positiveShare === undefined) return random.shuffle(films);
  if (!(positiveShare >= 0 && positiveShare <= 1)) {
    throw new RangeError(
      `Cannot order an epoch as the share of positives must be in 0..1: ${positiveShare}`,
    );
  }
  const wanted = Math.round(positiveShare * films.length);
  const positives = films.filter((film) => film.positive);
  const negatives = films.filter((film) => !film.positive);
  return random.shuffle([
    ...draw(positives, wanted, random, "positive"),
    ...draw(negatives, films.length - wanted, random, "negative"),
  ]);
}

/** `count` films, each of them `floor` or `ceil` of `count / films.length` times. */
function draw<T>(films: readonly T[], count: number, random: Random, kind: string): T[] {
  if (count > 0 && films.length === 0) {
    throw new RangeError(
      `Cannot order an epoch as ${count} ${kind} films are wanted and there is none`,
    );
  }
  const drawn: T[] = [];
  while (drawn.length < count) drawn.push(...random.shuffle(films).slice(0, count - drawn.length));
  return drawn;
}
