import type { TopLevelSpec } from "vega-lite";
import { lineage, type Run, type RunStatus } from "@/experiments/mod.ts";
import { MUTED, PALETTE } from "./theme.ts";

const STATUS_COLORS: Record<RunStatus, string> = {
  finished: PALETTE.green,
  running: PALETTE.sky,
  interrupted: PALETTE.orange,
  failed: PALETTE.vermillion,
};

/** CSS pixels: a row of the picture, and a generation further to the right. */
const ROW = 26, GENERATION = 36;

/**
 * Runs as a tree: each below the run that it started from and one step further to the right, in the
 * colour of its status, with its experiment, best validation dice, epochs and minutes.
 *
 * @param runs In any order; a run whose parent is not among them stands at the left.
 * @throws {RangeError} If there is no run.
 */
export function lineageDiagram(
  runs: readonly Run[],
  options: { title?: string } = {},
): TopLevelSpec {
  if (runs.length === 0) throw new RangeError("Cannot draw a lineage as there is no run");
  const rows = lineage(runs);
  const places = new Map(rows.map(({ run, depth }, row) => [run.id, { row, depth }]));
  const nodes = rows.map(({ run, depth }, row) => ({
    row,
    depth,
    status: run.status,
    run: run.id,
    label: describe(run),
  }));
  const lines = rows.flatMap(({ run, depth }, row) => {
    const parent = run.parent && places.get(run.parent.run);
    if (!parent) return [];
    return [
      { x: parent.depth, x2: parent.depth, y: parent.row, y2: row },
      { x: parent.depth, x2: depth, y: row, y2: row },
    ];
  });
  const generations = Math.max(1, ...rows.map(({ depth }) => depth));
  const type = "quantitative" as const;
  const x = { type, axis: null, scale: { domain: [0, generations] } };
  const domain = [-0.5, rows.length - 0.5];
  const y = { type, axis: null, scale: { reverse: true, domain } };
  const status = {
    field: "status",
    type: "nominal",
    title: "status",
    scale: { domain: Object.keys(STATUS_COLORS), range: Object.values(STATUS_COLORS) },
    legend: { orient: "top" },
  } as const;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: options.title ?? "What each run started from" },
    width: generations * GENERATION,
    height: rows.length * ROW,
    layer: [
      {
        data: { values: lines },
        mark: { type: "rule", strokeWidth: 1.5, color: MUTED },
        encoding: {
          x: { field: "x", ...x },
          y: { field: "y", ...y },
          x2: { field: "x2" },
          y2: { field: "y2" },
        },
      },
      {
        data: { values: nodes },
        mark: { type: "circle", size: 140, opacity: 1 },
        encoding: {
          x: { field: "depth", ...x },
          y: { field: "row", ...y },
          color: status,
          tooltip: { field: "run", type: "nominal" },
        },
      },
      {
        data: { values: nodes },
        mark: { type: "text", align: "left", dx: 12, fontSize: 11 },
        encoding: {
          x: { field: "depth", ...x },
          y: { field: "row", ...y },
          text: { field: "label", type: "nominal" },
        },
      },
    ],
  };
}

/** What tells a run from others in one line: the last four letters of its id stand in brackets. */
function describe({ id, experiment, metrics, repeats }: Run): string {
  const dices = metrics.flatMap(({ validationDice = NaN }) => validationDice).filter(isFinite);
  const seconds = metrics.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
  return [
    `${experiment.name} (${id.slice(-4)})`,
    ...(dices.length > 0 ? [`dice ${Math.max(...dices).toFixed(3)}`] : []),
    `${metrics.length}/${experiment.training.epochs} epochs`,
    `${(seconds / 60).toFixed(1)} min`,
    ...(repeats ? [`repeats ${repeats.slice(-4)}`] : []),
  ].join(", ");
}
