import { assert, assertEquals } from "@std/assert";

const PROJECT = new URL("../../", import.meta.url).pathname;

for (const file of ["setup.ts", "setup_oldest.ts"]) {
  Deno.test(`${file} needs no npm package, so that it runs on a bare machine`, async () => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", `src/cli/${file}`],
      cwd: PROJECT,
    }).output();
    const graph = JSON.parse(new TextDecoder().decode(stdout)) as {
      modules: { specifier: string }[];
    };
    const specifiers = graph.modules.map((module) => module.specifier);
    assert(specifiers.some((specifier) => specifier.endsWith(`/src/cli/${file}`)));
    assertEquals(specifiers.filter((specifier) => !/^(file|node):/.test(specifier)), []);
  });
}

for (const name of ["requirements", "requirements-cuda"]) {
  Deno.test(`${name}.lock pins what ${name}.txt names, and a SHA-256 for each package`, async () => {
    const requirements = await Deno.readTextFile(`${PROJECT}${name}.txt`);
    const wanted = [...requirements.matchAll(/^([\w-]+)(?:\[.*\])?==([\d.]+)/gm)]
      .map(([, name, version]) => `${name}==${version}`);
    const text = await Deno.readTextFile(`${PROJECT}${name}.lock`);
    const packages = text.split(/^(?=\S)/m).filter((entry) => !entry.startsWith("#"));
    const pinned = packages.map((entry) => /^[\w.-]+(?:\[[\w,-]+\])?==[^\s;]+/.exec(entry)![0]);
    assert(wanted.length >= 2 && packages.length > 100, `${wanted}, ${packages.length} packages`);
    for (const each of wanted) {
      assert(
        pinned.some((pin) => pin.replace(/\[.*\]/, "") === each),
        `${each} is not in the lock`,
      );
    }
    for (const entry of packages) assert(/--hash=sha256:[0-9a-f]{64}/.test(entry), entry);
  });
}

Deno.test("the npm packages of the sources are all in the import map, which setup fetches", async () => {
  const found: string[] = [];
  for (const folder of ["src", "tests"]) await search(`${PROJECT}${folder}`, found);
  assertEquals(found, []);
});

async function search(folder: string, found: string[]): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await search(path, found);
    if (!name.endsWith(".ts")) continue;
    const text = await Deno.readTextFile(path);
    if (/(from|import)[ (]*["'](npm|jsr|https?):/.test(text)) found.push(path);
  }
}
