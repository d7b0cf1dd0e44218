import { unique } from "./frame.ts";

/**
 * The vertical axis of a chart with a named row for each thing, below the names of their groups. The
 * name of a group is a row of its own, without values, in bold.
 *
 * @param rows In the order they are drawn; `name` is the field of the data that tells the row.
 */
export function groupedRows(rows: readonly { name: string; group?: string | undefined }[]) {
  const groups = unique(rows.flatMap(({ group }) => group === undefined ? [] : [group]));
  const places = unique(
    rows.flatMap(({ group, name }) => group === undefined ? [name] : [group, name]),
  );
  const y = {
    field: "name",
    type: "nominal" as const,
    title: null,
    scale: { domain: places },
    axis: {
      labelLimit: 240,
      labelFontWeight: {
        condition: { test: { field: "value", oneOf: groups }, value: "bold" as const },
        value: "normal" as const,
      },
    },
  };
  return { y, places };
}
