import { assertEquals } from "@std/assert";
import { excludedRows, showExcluded } from "@/notebook/mod.ts";
import { captured } from "../cli/console.ts";

const excluded = [
  { imageId: "a", reason: "it is unlabelled" },
  { imageId: "b", reason: "it is truncated", path: "/films/Doe^Jane/b.dcm", damaged: true },
  { imageId: "c", reason: "there is no such file" },
];

Deno.test("excludedRows() lists each film with its reason and no path, the damaged ones first", () => {
  assertEquals(excludedRows(excluded), [
    { film: "b", "left out as": "it is truncated", damaged: "yes" },
    { film: "a", "left out as": "it is unlabelled", damaged: "no" },
    { film: "c", "left out as": "there is no such file", damaged: "no" },
  ]);
  assertEquals(excludedRows(excluded, 1), [
    { film: "b", "left out as": "it is truncated", damaged: "yes" },
    { film: "and 2 more", "left out as": null, damaged: null },
  ]);
  assertEquals(excludedRows([]), []);
});

Deno.test("showExcluded() says so where no film was left out", async () => {
  const show = (films: typeof excluded) =>
    captured(async () => {
      await showExcluded(films);
      return 0;
    });
  assertEquals((await show([])).out, "No film was left out");
  assertEquals((await show(excluded)).out.split("\n").length, 5);
});
