import { compile } from "vega-lite";
import type { TopLevelSpec } from "@/plots/mod.ts";

/** The rows of one of the data sources that vega gets after compiling; by default of the first. */
export function compiledRows(spec: TopLevelSpec, source = 0): Record<string, unknown>[] {
  const { spec: compiled } = compile(structuredClone(spec));
  const found = compiled.data?.filter((data) => "values" in data)[source] as
    | { values: Record<string, unknown>[] }
    | undefined;
  if (!found) throw new Error(`The chart has no data source ${source}`);
  return found.values;
}

/** Title and subtitle of a chart, each as one line. */
export function titlesOf({ title }: TopLevelSpec): { title: string; subtitle: string } {
  const { text, subtitle = "" } = title as {
    text: string | string[];
    subtitle?: string | string[];
  };
  return { title: [text].flat().join(" "), subtitle: [subtitle].flat().join(" ") };
}

/** All texts in some SVG. */
export function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text!);
}
