import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { filmPath, withFolder, writeFilm } from "./small_dataset.ts";

const script = fileURLToPath(new URL("../../src/cli/prepare.ts", import.meta.url));
const configuration = fileURLToPath(new URL("../../deno.json", import.meta.url));

async function run(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", configuration, script, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

Deno.test("prepare prepares a data set, and finds it done the second time", () =>
  withFolder(async (root) => {
    await writeFilm(root, "train", { imageId: "a" });
    await writeFilm(root, "train", { imageId: "unlabelled" });
    await Deno.writeTextFile(join(root, "train-rle.csv"), "ImageId, EncodedPixels\na, -1\n");
    const first = await run("--data", root, "--size", "32");
    assertEquals([first.code, first.error], [0, ""]);
    assertStringIncludes(first.out, "1 training films (0 positive), 0 test");
    assertStringIncludes(first.out, "Left out unlabelled: it has no row in train-rle.csv");
    assertStringIncludes(first.out, "1 films made, 0 there already, 0 left out");
    const second = await run("--data", root, "--size=32");
    assertStringIncludes(second.out, "0 films made, 1 there already, 0 left out");
    const twin = filmPath(root, "train", "unlabelled").replaceAll("unlabelled", "cut");
    await Deno.mkdir(dirname(twin), { recursive: true });
    await Deno.writeTextFile(twin, "no DICOM");
    await Deno.writeTextFile(
      join(root, "train-rle.csv"),
      "ImageId, EncodedPixels\na, -1\ncut, -1\n",
    );
    const refused = await run("--data", root, "--size", "32");
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.error, "1 of 3 cannot be used, more than 5 %: cut (");
    const allowed = await run("--data", root, "--size", "32", "--max-bad", "40%");
    assertEquals(allowed.code, 0, allowed.error);
    assertStringIncludes(allowed.out, "Left out cut: it is no DICOM file");
  }));

const calls: [string[], number, string][] = [
  [["--help"], 0, "Usage: deno task prepare"],
  [["--size", "0"], 2, "--size must be an integer in 1..1024: 0"],
  [["--size", "many"], 2, "--size must be an integer in 1..1024: many"],
  [["--contrast", "much"], 2, "--contrast must be percentile, clahe or none: much"],
  [["--max-bad", "6 of 7"], 2, "from 0% to 100%: 6 of 7"],
  [["--sise", "256"], 2, "--sise"],
  [["somewhere"], 2, "somewhere"],
  [["--data", "/no/such/folder"], 1, "its folder is missing: /no/such/folder"],
];
for (const [args, code, message] of calls) {
  Deno.test(`prepare ${args.join(" ")} ends with ${code}`, async () => {
    const result = await run(...args);
    assertEquals(result.code, code);
    assertStringIncludes(code === 0 ? result.out : result.error, message);
    assertEquals(/^\s+at /m.test(result.error), false, "no stack trace");
  });
}
