/**
 * Environment variables that a notebook kernel of this project starts with.
 *
 * Without `NO_COLOR` every text result carries terminal colours into the file. The heap limit is
 * half of the machine's memory: V8's own default (4 GB) is less than a large notebook may hold.
 */
export function kernelEnvironment(): Record<string, string> {
  const megabytes = Math.floor(Deno.systemMemoryInfo().total / 2 / 2 ** 20);
  return {
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    DENO_V8_FLAGS: `--max-old-space-size=${Math.max(2048, megabytes)},--expose-gc`,
  };
}
