import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs code in a process of its own, with a folder for temporary files that must be empty after. */
async function run(code: string): Promise<{ code: number; out: string; error: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const { code: exit, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", code],
      cwd: PROJECT,
      env: { NO_COLOR: "1", TMPDIR: folder },
    }).output();
    assertEquals([...Deno.readDirSync(folder)], [], "temporary files are left");
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code: exit, out: text(stdout), error: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a program that computes with TensorFlow starts and ends without a word", async () => {
  const result = await run(`
    import { tf } from "@/tensorflow/mod.ts";
    console.log(tf.add(1, 2).dataSync()[0]);
  `);
  assertEquals(result, { code: 0, out: "3\n", error: "" });
});

/** Defines `say`, which writes to standard error as a library does, not through Deno. */
const SAY = `
  import { quietly } from "@/tensorflow/quiet_start.ts";
  const { symbols } = Deno.dlopen(Deno.build.os === "darwin" ? "libSystem.dylib" : "libc.so.6", {
    write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  });
  function say(text: string): void {
    const bytes = new TextEncoder().encode(text + "\\n");
    symbols.write(2, bytes, BigInt(bytes.length));
  }
`;

Deno.test("quietly() keeps information from the terminal, and passes warnings on", async () => {
  const result = await run(`${SAY}
    say("I0000 before");
    const value = quietly(() => {
      say("WARNING: All log messages before absl::InitializeLog() is called are written to STDERR");
      say("I0000 00:00:1795475746.66 port.cc:153] oneDNN custom operations are on");
      say("E0000 00:00:1795475746.66 cuda.cc:1] no driver");
      say("");
      say("WARNING: the disk is full");
      return 7;
    });
    say("I0000 after " + value);
  `);
  assertEquals(result.code, 0);
  assertEquals(result.error.split("\n"), [
    "I0000 before",
    "E0000 00:00:1795475746.66 cuda.cc:1] no driver",
    "WARNING: the disk is full",
    "I0000 after 7",
    "",
  ]);
});

Deno.test("quietly() gives standard error back when loading fails, with the last words", async () => {
  const { code, error } = await run(`${SAY}
    try {
      quietly(() => {
        say("I0000 loading");
        say("W0000 of another version");
        throw new RangeError("no library");
      });
    } catch (error) {
      say("I0000 caught: " + (error as Error).message);
    }
  `);
  assertEquals([code, error], [0, "W0000 of another version\nI0000 caught: no library\n"]);
});

Deno.test({
  name: "keepLoaded() keeps a library that has been closed, and ignores one that is not there",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // A small part of glibc that Deno itself does not use.
    const { code, out, error } = await run(`
      import { keepLoaded } from "@/tensorflow/keep_loaded.ts";
      const NAME = "libthread_db.so.1";
      const isLoaded = () => Deno.readTextFileSync("/proc/self/maps").includes("libthread_db");
      const states = [isLoaded()];
      const library = Deno.dlopen(NAME, {});
      states.push(isLoaded());
      library.close();
      states.push(isLoaded());
      keepLoaded("/no/such/library.so");
      keepLoaded(NAME);
      Deno.dlopen(NAME, {}).close();
      states.push(isLoaded());
      console.log(states.join());
    `);
    assertEquals(error, "");
    assertEquals(code, 0);
    assertEquals(out, "false,true,false,true\n");
  },
});
