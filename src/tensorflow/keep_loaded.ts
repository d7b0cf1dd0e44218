/**
 * Loads a library in a way that it stays until the process ends. Deno would unload TensorFlow at the
 * end of a program, before the exit handlers that TensorFlow has registered: their code would be gone,
 * and the program would end with a segmentation fault.
 *
 * Where that is not possible it does nothing; the library then works all the same.
 *
 * @param path The library's file.
 */
export function keepLoaded(path: string): void {
  const RTLD_LAZY = 1;
  const RTLD_NODELETE = Deno.build.os === "darwin" ? 0x80 : 0x1000;
  for (const name of SYSTEM_LIBRARIES) {
    try {
      const system = Deno.dlopen(name, {
        dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
      });
      system.symbols.dlopen(new TextEncoder().encode(path + "\0"), RTLD_LAZY | RTLD_NODELETE);
      system.close();
      return;
    } catch {
      // Not this system's name for it, or an older one without the symbol.
    }
  }
}

/** Where `dlopen` is: in the C library, or beside it in those older than glibc 2.34. */
const SYSTEM_LIBRARIES = Deno.build.os === "darwin"
  ? ["libSystem.dylib"]
  : ["libc.so.6", "libdl.so.2"];
