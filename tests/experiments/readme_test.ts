import { assert, assertEquals } from "@std/assert";
import { describeFields, fieldTable } from "@/experiments/mod.ts";

const readme = new URL("../../experiments/README.md", import.meta.url);

/** A table's cells without the padding that the formatter puts in. */
function cells(table: string): string[] {
  return table.trim().split("\n").map((line) =>
    line.replaceAll(/\s+/g, " ").replaceAll(/-+/g, "-")
  );
}

Deno.test("fieldTable() is what experiments/README.md shows", async () => {
  const text = await Deno.readTextFile(readme);
  const shown = /<!-- fields: [^>]*-->\n([^]*?)\n<!-- end of fields -->/.exec(text)?.[1] ?? "";
  assertEquals(
    cells(shown),
    cells(fieldTable()),
    `experiments/README.md is out of date; put this between its marks:\n\n${fieldTable()}\n`,
  );
});

Deno.test("describeFields() describes every field", () => {
  const fields = describeFields();
  for (const { path, description } of fields) assert(description !== "", path);
  const rows = new Map(fields.map((field) => [field.path, field]));
  assertEquals(rows.size, fields.length);
  assertEquals(rows.get("data.size"), {
    path: "data.size",
    allowed: "a whole number >= 32 and a multiple of 32",
    default: "required",
    description: "Side of the square network input, px",
  });
  assertEquals(rows.get("training.swa.startEpoch")?.default, "required");
  assertEquals(rows.get("training.loss")?.default, "{bce: 1, dice: 1}");
});
