/** The connected regions of a mask. */
export interface Components {
  /** How many regions there are. */
  count: number;
  /** Row-major: 0 for background, 1 to `count` for the regions in the order of their first pixel. */
  labels: Int32Array;
  /** Pixels of each label; `areas[0]` is the background's. */
  areas: number[];
}

/** Whether pixels that touch only at a corner belong together: 8 yes, 4 no. */
export type Connectivity = 4 | 8;

/** Foreground pixels `start <= x < end` of one row. */
interface RowRun {
  row: number;
  start: number;
  end: number;
  /** Index of another run of the same region, or of itself. */
  parent: number;
}

/**
 * Labels the connected regions of a mask, as `scipy.ndimage.label` does: rows are cut into runs,
 * and runs that touch a run of the row above are united (union-find).
 *
 * @param mask Row-major, `width * height` values; every value but 0 is foreground.
 * @param width Columns of the mask.
 * @param height Rows of the mask.
 * @param connectivity 8 (default) or 4.
 * @throws {RangeError} If the mask has another size, or the connectivity is neither 4 nor 8.
 */
export function connectedComponents(
  mask: Uint8Array,
  width: number,
  height: number,
  connectivity: Connectivity = 8,
): Components {
  const runs = uniteRuns(mask, width, height, connectivity);
  const labels = new Int32Array(mask.length);
  const areas = [mask.length];
  const labelOfRoot = new Map<number, number>();
  for (const [index, run] of runs.entries()) {
    const root = findRoot(runs, index);
    let label = labelOfRoot.get(root);
    if (label === undefined) {
      label = areas.length;
      labelOfRoot.set(root, label);
      areas.push(0);
    }
    labels.fill(label, run.row * width + run.start, run.row * width + run.end);
    areas[label]! += run.end - run.start;
    areas[0]! -= run.end - run.start;
  }
  return { count: areas.length - 1, labels, areas };
}

/**
 * Drops the regions of a mask that are too small to be believed; the report drops those below 2,000
 * pixels of a 1024 x 1024 film.
 *
 * @param mask Row-major, `width * height` values; every value but 0 is foreground.
 * @param width Columns of the mask.
 * @param height Rows of the mask.
 * @param minimumArea Regions of fewer pixels are dropped.
 * @param connectivity 8 (default) or 4.
 * @returns A new mask of values 0 or 1.
 * @throws {RangeError} If the mask has another size, or the minimum is negative.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { removeSmallComponents } from "@/postprocessing/mod.ts";
 *
 * const mask = Uint8Array.of(1, 1, 0, 1);
 * assertEquals(removeSmallComponents(mask, 4, 1, 2), Uint8Array.of(1, 1, 0, 0));
 * ```
 */
export function removeSmallComponents(
  mask: Uint8Array,
  width: number,
  height: number,
  minimumArea: number,
  connectivity: Connectivity = 8,
): Uint8Array {
  if (!(minimumArea >= 0)) {
    throw new RangeError(`Cannot drop regions as the minimum area must be >= 0: ${minimumArea}`);
  }
  const runs = uniteRuns(mask, width, height, connectivity);
  const areas = new Uint32Array(runs.length); // of each region, at its first run
  for (const [index, { start, end }] of runs.entries()) {
    areas[findRoot(runs, index)]! += end - start;
  }
  const kept = new Uint8Array(mask.length);
  for (const [index, { row, start, end }] of runs.entries()) {
    if (areas[findRoot(runs, index)]! < minimumArea) continue;
    kept.fill(1, row * width + start, row * width + end);
  }
  return kept;
}

/** One connected region of a predicted mask, and how much of it is annotated. */
export interface ComponentOverlap {
  /** Pixels of the region. */
  area: number;
  /** Those of them that are annotated. */
  common: number;
}

/**
 * The connected regions (corners count as touching) of a mask, and how much of each is annotated: all
 * that is needed to score the mask with any filter of small regions.
 *
 * @param mask Row-major, `width * height` values; every value but 0 is foreground.
 * @param truth Mask of the same size.
 * @throws {RangeError} If a mask has another size.
 */
export function componentOverlaps(
  mask: Uint8Array,
  truth: Uint8Array,
  width: number,
  height: number,
): ComponentOverlap[] {
  if (mask.length !== width * height || truth.length !== mask.length) {
    throw new RangeError(
      `Cannot compare masks as both must hold ${width} x ${height} values: ${mask.length}, ` +
        `${truth.length}`,
    );
  }
  const runs = findRuns(mask, width, height);
  uniteTouchingRuns(runs, 1);
  const overlaps = new Map<number, ComponentOverlap>();
  for (const [index, { row, start, end }] of runs.entries()) {
    const root = findRoot(runs, index);
    const overlap = overlaps.get(root) ?? { area: 0, common: 0 };
    overlaps.set(root, overlap);
    overlap.area += end - start;
    for (let x = start; x < end; x++) if (truth[row * width + x] !== 0) overlap.common++;
  }
  return [...overlaps.values()];
}

/** A mask's runs, those of a region united. */
function uniteRuns(
  mask: Uint8Array,
  width: number,
  height: number,
  connectivity: Connectivity,
): RowRun[] {
  if (mask.length !== width * height) {
    throw new RangeError(
      `Cannot label a mask as it must hold ${width} x ${height} values: ${mask.length}`,
    );
  }
  if (connectivity !== 4 && connectivity !== 8) {
    throw new RangeError(`Cannot label a mask as connectivity must be 4 or 8: ${connectivity}`);
  }
  const runs = findRuns(mask, width, height);
  uniteTouchingRuns(runs, connectivity === 8 ? 1 : 0);
  return runs;
}

function findRuns(mask: Uint8Array, width: number, height: number): RowRun[] {
  const runs: RowRun[] = [];
  for (let row = 0; row < height; row++) {
    const offset = row * width;
    let x = 0;
    while (x < width) {
      if (mask[offset + x] === 0) {
        x++;
        continue;
      }
      const start = x;
      while (x < width && mask[offset + x] !== 0) x++;
      runs.push({ row, start, end: x, parent: runs.length });
    }
  }
  return runs;
}

/** Runs are sorted by row and place, so one walk with two fingers meets every touching pair. */
function uniteTouchingRuns(runs: RowRun[], reach: 0 | 1): void {
  let above = 0;
  for (const [index, run] of runs.entries()) {
    while (above < index && endsBefore(runs[above]!, run, reach)) above++;
    for (let i = above; i < index; i++) {
      const other = runs[i]!;
      if (other.row !== run.row - 1 || other.start >= run.end + reach) break;
      unite(runs, i, index);
    }
  }
}

/** Whether a run can touch neither this run nor any that follows it. */
function endsBefore(other: RowRun, run: RowRun, reach: 0 | 1): boolean {
  return other.row < run.row - 1 || (other.row === run.row - 1 && other.end + reach <= run.start);
}

/** The region's first run, so that labels follow the order of first pixels. */
function findRoot(runs: RowRun[], index: number): number {
  let root = index;
  while (runs[root]!.parent !== root) root = runs[root]!.parent;
  while (runs[index]!.parent !== root) {
    const next = runs[index]!.parent;
    runs[index]!.parent = root;
    index = next;
  }
  return root;
}

function unite(runs: RowRun[], a: number, b: number): void {
  const rootA = findRoot(runs, a);
  const rootB = findRoot(runs, b);
  runs[Math.max(rootA, rootB)]!.parent = Math.min(rootA, rootB);
}
