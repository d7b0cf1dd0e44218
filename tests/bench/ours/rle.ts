/** Our run lengths: `rle.ts TABLE COUNT SIZE`; masks of the table are decoded and encoded again. */
import { decodeRle, encodeRle, readRleTable } from "@/data/mod.ts";
import { milliseconds, serve } from "./serve.ts";

const [table, count, size] = Deno.args as [string, string, string];
const rows = await readRleTable(table);
const texts = rows.map(({ encodedPixels }) => encodedPixels).filter((text) => text !== "-1");
const side = Number(size);

await serve(() =>
  milliseconds(() => {
    for (let i = 0; i < Number(count); i++) {
      const text = texts[i % texts.length]!;
      if (encodeRle(decodeRle(text, side, side), side, side) !== text) {
        throw new Error(`A mask has other run lengths than before: ${text}`);
      }
    }
  })
);
