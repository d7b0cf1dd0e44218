import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { labIndex } from "@/site/mod.ts";
import { withRuns } from "../cli/with_runs.ts";
import { finishStage } from "../notebook/finish_stage.ts";

const NOTEBOOKS = fileURLToPath(new URL("../../notebooks/", import.meta.url));

/** The line of a notebook, and the cells of its row. */
async function rowsOf(hasData = true): Promise<{ text: string; rows: string[][] }> {
  const text = await labIndex(NOTEBOOKS, hasData);
  const rows = text.split("\n").filter((line) => line.startsWith("| ["))
    .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
  return { text, rows };
}

Deno.test("labIndex() names each notebook, what it trains and what it still needs", () =>
  withRuns(async () => {
    const { text, rows } = await rowsOf();
    assertEquals(rows.map(([name]) => /\((\d\d)-\S+\.ipynb\)/.exec(name!)?.[1]), [
      "01",
      "02",
      "03",
      "04",
      "05",
      "06",
    ]);
    assertEquals(rows[0]!.slice(1), ["–", "–"]);
    assertEquals(rows[2]!.slice(1), ["phantom/1-128: not yet", "–"]);
    assertEquals(rows[3]![1], "phantom/2-192: not yet<br>phantom/3-192-focal-swa: not yet");
    assertStringIncludes(rows[3]![2]!, "phantom/1-128, of [3. ");
    assertStringIncludes(text, "Start with [1. ");

    await finishStage(1);
    const later = await rowsOf();
    assertMatch(later.rows[2]![1]!, /^phantom\/1-128: trained \d{4}-\d\d-\d\d, dice 0\.500$/);
    assertEquals(later.rows[3]![2], "nothing: it can be run");
    assertStringIncludes(later.text, "Next: [4. ");

    for (const stage of [2, 3, 4, 5]) await finishStage(stage);
    assertStringIncludes((await rowsOf()).text, "Everything has been trained");
  }));

Deno.test("labIndex() says how to get films where there are none", () =>
  withRuns(async () => {
    const { text } = await rowsOf(false);
    assertStringIncludes(text, "There are no films yet");
    assertStringIncludes(text, "deno task phantom");
    assert(!text.includes("Start with"));
  }));
