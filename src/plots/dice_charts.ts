import type { TopLevelSpec } from "vega-lite";
import { FILM_SIZE } from "@/data/mod.ts";
import type { ShiftedDice } from "@/postprocessing/mod.ts";
import { lines } from "./lines.ts";

/** How the dice of masks of several sizes falls as they are moved aside. */
export function shiftedDiceChart(points: readonly ShiftedDice[]): TopLevelSpec {
  const byFilm = Map.groupBy(points, ({ film }) => film);
  const films = [...byFilm.keys()].toSorted((a, b) => a.area - b.area);
  const furthest = Math.max(...points.map(({ shift }) => shift));
  const at = (film: ShiftedDice["film"]) =>
    byFilm.get(film)!.find(({ shift }) => shift === furthest)!.dice.toFixed(2);
  const name = ({ area }: ShiftedDice["film"]) =>
    `${(100 * area / FILM_SIZE ** 2).toPrecision(2)} % of the film`;
  const rows = films.flatMap((film) =>
    byFilm.get(film)!.map(({ shift, dice }) => ({ x: shift, y: dice, series: name(film) }))
  );
  return lines(rows, {
    title: `${furthest} px aside, the smallest mask has a dice of ${at(films[0]!)}, the largest ${
      at(films.at(-1)!)
    }`,
    subtitle: "Annotations of the data against themselves, moved to the right",
    x: `distance (px at ${FILM_SIZE} x ${FILM_SIZE})`,
    y: "dice",
    fromZero: true,
    height: 200,
  });
}
