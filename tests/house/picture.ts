/**
 * Draws the folders of `src/` and their imports into `src/house.svg`:
 * `deno task house`
 */
import { fileURLToPath } from "node:url";
import type { TopLevelSpec } from "vega-lite";
import { writeFileAtomic } from "@/files/mod.ts";
import { PALETTE, renderSvg } from "@/plots/mod.ts";
import { essentialImports, floors, type FolderImports, folderImports } from "./imports.ts";

const picture = fileURLToPath(new URL("../../src/house.svg", import.meta.url));

/** A place on a floor: a folder, or where a line from higher up passes. */
interface Place {
  folder?: string;
  floor: number;
  /** In multiples of a box's width, the middle is 0. */
  x: number;
}

/** What the picture shows, as it stands in the file: one line of text, without the layout. */
export function pictureSource(imports: FolderImports): string {
  return essentialImports(imports).map((edge) => edge.join(">")).join(" ");
}

/** The source of the picture that is there; "" if there is none. */
export async function drawnSource(): Promise<string> {
  const svg = await Deno.readTextFile(picture).catch(() => "");
  return /<!-- imports: (.*) -->/.exec(svg)?.[1] ?? "";
}

/** Puts folders on their floors, and next to what they are joined with. */
function layOut(imports: FolderImports): { places: Place[]; lines: Place[][] } {
  const floorOf = floors(imports);
  const folders = new Map<string, Place>();
  for (const [folder, floor] of [...floorOf].sort()) folders.set(folder, { folder, floor, x: 0 });
  const lines = essentialImports(imports).map(([from, to]) => {
    const [upper, lower] = [folders.get(from)!, folders.get(to)!];
    const between: Place[] = [];
    for (let floor = upper.floor - 1; floor > lower.floor; floor--) between.push({ floor, x: 0 });
    return [upper, ...between, lower];
  });
  const places = [...new Set([...folders.values(), ...lines.flat()])];
  const neighbours = new Map<Place, Place[]>(places.map((place) => [place, []]));
  for (const line of lines) {
    for (let i = 1; i < line.length; i++) {
      neighbours.get(line[i]!)!.push(line[i - 1]!);
      neighbours.get(line[i - 1]!)!.push(line[i]!);
    }
  }
  const rows = [...Map.groupBy(places, ({ floor }) => floor).values()];
  // Sugiyama's way: each floor in the order of the means of its neighbours, again and again.
  for (const row of rows) spread(row);
  for (let sweep = 0; sweep < 40; sweep++) {
    for (const row of sweep % 2 === 0 ? rows : rows.toReversed()) {
      const mean = new Map(row.map((place) => {
        const others = neighbours.get(place)!;
        return [place, others.reduce((sum, { x }) => sum + x, 0) / Math.max(1, others.length)];
      }));
      row.sort((a, b) => mean.get(a)! - mean.get(b)!);
      spread(row);
    }
  }
  return { places: [...folders.values()], lines };
}

/** A line takes less room than a box. */
function spread(row: readonly Place[]): void {
  const widths = row.map(({ folder }) => folder === undefined ? 0.45 : 1.15);
  let left = -widths.reduce((sum, width) => sum + width, 0) / 2;
  for (const [i, place] of row.entries()) {
    place.x = left + widths[i]! / 2;
    left += widths[i]!;
  }
}

function specification(imports: FolderImports): TopLevelSpec {
  const { places, lines } = layOut(imports);
  const points = lines.flatMap((line, number) =>
    line.map(({ x, floor }, order) => ({ x, floor, number, order }))
  );
  const widest = Math.max(...[...places, ...points].map(({ x }) => Math.abs(x))) + 0.6;
  const x = {
    field: "x",
    type: "quantitative" as const,
    axis: null,
    scale: { domain: [-widest, widest] },
  };
  const y = { field: "floor", type: "quantitative" as const, axis: null };
  const boxes = places.map(({ folder, x, floor }) => ({
    folder,
    x: x - 0.5,
    right: x + 0.5,
    floor: floor - 0.24,
    top: floor + 0.24,
    middle: x,
    height: floor,
  }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: {
      text: "The house: each folder of src/ imports only from floors below its own",
      subtitle: "Lines that follow from others are left out",
    },
    width: 720,
    height: 520,
    layer: [
      {
        data: { values: points },
        mark: { type: "line", interpolate: "basis", color: PALETTE.blue, opacity: 0.6 },
        encoding: {
          x,
          y,
          detail: { field: "number", type: "nominal" },
          order: { field: "order", type: "quantitative" },
        },
      },
      {
        data: { values: boxes },
        mark: { type: "rect", cornerRadius: 4, fill: "#FFFFFF", stroke: PALETTE.black, opacity: 1 },
        encoding: { x, x2: { field: "right" }, y, y2: { field: "top" } },
      },
      {
        data: { values: boxes },
        mark: { type: "text", fontSize: 12, color: PALETTE.black },
        encoding: {
          x: { ...x, field: "middle" },
          y: { ...y, field: "height" },
          text: { field: "folder", type: "nominal" },
        },
      },
    ],
  };
}

if (import.meta.main) {
  const imports = await folderImports();
  const svg = await renderSvg(specification(imports));
  await writeFileAtomic(picture, `${svg}\n<!-- imports: ${pictureSource(imports)} -->\n`);
  console.log(picture);
}
