import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compareAll, hasPydicom, type Outcome } from "./pydicom.ts";
import { supportTable, writtenTable } from "./support_table.ts";

const how = hasPydicom ? "" : " (ignored: `deno task pydicom` installs them)";
let compared: Promise<Outcome[]> | undefined;
const outcomes = () => compared ??= compareAll();

Deno.test({
  name: `readSamples() and toDisplay() equal pydicom on all of its files, or refuse them${how}`,
  ignore: !hasPydicom,
  fn: async () => {
    const all = await outcomes();
    assert(all.length > 250, `${all.length} files`);
    for (const { name, kind, transferSyntax, worst, error } of all) {
      if (error) {
        assertStringIncludes(error.message, `Cannot read ${name} as `);
        assertStringIncludes(error.message, transferSyntax);
        continue;
      }
      assert(kind === "grey" && worst, `${name} was read, but pydicom finds ${kind}`);
      const lossyJpeg = /\.4\.5[01]$/.test(transferSyntax);
      assert(worst.stored <= (lossyJpeg ? 1 : 0), `${name}: stored values differ`);
      // Theirs are rounded to 1/256, ours to 1; one stored value can be several grey levels.
      if (!lossyJpeg) assert(worst.shown <= 0.5 + 1 / 256, `${name}: ${worst.shown} grey levels`);
    }
  },
});

Deno.test({
  name: `src/dicom/README.md lists what is read of pydicom's files${how}`,
  ignore: !hasPydicom,
  fn: async () => {
    assertEquals(await writtenTable(), supportTable(await outcomes()));
  },
});
