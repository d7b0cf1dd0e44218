import { assert, assertEquals } from "@std/assert";
import { withCuda } from "../../src/cli/setup.ts";

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

Deno.test("withCuda() asks for the same TensorFlow with CUDA", async () => {
  assertEquals(
    withCuda('jupyterlab==4.6.6\ntensorflow-cpu==2.21.0; sys_platform == "linux"\n'),
    'jupyterlab==4.6.6\ntensorflow[and-cuda]==2.21.0; sys_platform == "linux"\n',
  );
  const real = withCuda(await Deno.readTextFile(`${PROJECT}/requirements.txt`));
  assert(/^tensorflow\[and-cuda\]==\d/m.test(real), real);
  assert(!real.includes("tensorflow-cpu"), real);
});

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
