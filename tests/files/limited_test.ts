import { assertEquals, assertRejects } from "@std/assert";
import { readFileUpTo, readTextUpTo } from "@/files/mod.ts";

Deno.test("readFileUpTo() and readTextUpTo() read up to the limit, and nothing of a larger file", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "häß");
    assertEquals(await readTextUpTo(path, 5), "häß");
    assertEquals((await readFileUpTo(path, 5)).length, 5);
    const refused = `Cannot read ${path} as it has 5 bytes, more than 4`;
    await assertRejects(() => readFileUpTo(path, 4), RangeError, refused);
    await Deno.truncate(path, 2 ** 42); // a hole of 4 TB: reading it would end the process
    await assertRejects(() => readTextUpTo(path, 2 ** 20), RangeError, `${2 ** 42} bytes`);
  } finally {
    await Deno.remove(path);
  }
});
