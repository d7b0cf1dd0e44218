import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";

const ignore = Deno.build.os !== "linux"; // it looks into /proc

Deno.test(
  "Kernel ends by itself when the process that started it is killed",
  { ignore },
  async () => {
    const folder = await Deno.makeTempDir();
    const script = join(folder, "starter.ts");
    const door = new URL("../../src/jupyter/mod.ts", import.meta.url).href;
    await Deno.writeTextFile(
      script,
      `import { Kernel } from "${door}";
     const kernel = await Kernel.start({ cwd: "." });
     await kernel.execute("console.log(Deno.pid)", {
       onMessage: (m) => m.type === "stream" && console.log(m.content.text),
     });
     await new Promise((done) => setTimeout(done, 60_000));`,
    );
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const starter = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", config, script],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = starter.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    const kernel = Number(value);
    assert(isRunning(kernel), `the kernel should have told its process id: ${value}`);
    starter.kill("SIGKILL");
    await starter.status;
    await reader.cancel();
    const until = Date.now() + 5000;
    while (isRunning(kernel) && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assertEquals(isRunning(kernel), false);
    await Deno.remove(folder, { recursive: true });
  },
);

function isRunning(pid: number): boolean {
  try {
    // Signal 0 would ask the same, but Deno has no name for it. A zombie counts as ended.
    const state = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(1)?.[0];
    return state !== "Z";
  } catch {
    return false;
  }
}
