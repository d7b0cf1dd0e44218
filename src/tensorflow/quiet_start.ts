/**
 * TensorFlow prints lines about itself when it is loaded, before any setting of its own could stop
 * it. A user has no use for them, and in a notebook they would end up in the first cell.
 */

/** What a start on a healthy machine prints: information, and a warning about the information. */
const NOISE = /^(WARNING: All log messages before absl::InitializeLog|I\d{4} )/;

const STDERR = 2;
const LIBC = Deno.build.os === "darwin" ? "libSystem.dylib" : "libc.so.6";

/**
 * Runs a function that loads TensorFlow, and keeps its start-up lines from the terminal; warnings and
 * errors among them are passed on. Where standard error cannot be redirected, it just runs it.
 */
export function quietly<T>(load: () => T): T {
  let libc;
  let path = "";
  try {
    libc = Deno.dlopen(LIBC, {
      dup: { parameters: ["i32"], result: "i32" },
      dup2: { parameters: ["i32", "i32"], result: "i32" },
      open: { parameters: ["buffer", "i32"], result: "i32" },
      close: { parameters: ["i32"], result: "i32" },
    });
    path = Deno.makeTempFileSync({ prefix: "tensorflow-start-" });
  } catch {
    libc?.close();
    return load();
  }
  const { dup, dup2, open, close } = libc.symbols;
  const READ_WRITE = 2;
  const stderr = dup(STDERR);
  const aside = open(new TextEncoder().encode(path + "\0"), READ_WRITE);
  const redirected = stderr >= 0 && aside >= 0 && dup2(aside, STDERR) >= 0;
  try {
    return load();
  } finally {
    if (redirected) dup2(stderr, STDERR);
    if (stderr >= 0) close(stderr);
    if (aside >= 0) close(aside);
    libc.close();
    const lines = Deno.readTextFileSync(path).split("\n");
    const news = lines.filter((line) => line !== "" && !NOISE.test(line));
    if (news.length > 0) console.error(news.join("\n"));
    Deno.removeSync(path);
  }
}
