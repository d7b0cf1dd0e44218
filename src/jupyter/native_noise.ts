/**
 * Start-up lines that Deno, TensorFlow, abseil and oneDNN write to the process's own output. They
 * tell a reader of a notebook nothing, and they differ between machines.
 */
const NOISE: readonly RegExp[] = [
  /^(Warning )?"?deno jupyter"? is unstable/,
  /^WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR/,
  // TensorFlow's log at levels I and W: "2025-01-01 00:00:00.000000: I tensorflow/core/..."
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] /,
  // abseil's log at levels I and W: "I0000 00:00:1763935.1 123 file.cc:12] ..."
  /^[IW]\d{4} \d\d:\d\d:\d+\.\d+\s/,
  // Registered twice by TensorFlow itself; harmless, though logged as an error.
  /^(E\d{4} |\d{4}-\d\d-\d\d [\d:.]+ E ).*Unable to register cu(DNN|FFT|BLAS) factory/,
  /^\d{4}-\d\d-\d\d [\d:.]+: E .*Unable to register cu(DNN|FFT|BLAS) factory/,
  /^To enable the following instructions: .* rebuild TensorFlow/,
  /oneDNN custom operations are on/,
  // Deno, when it loads an npm package for the first time.
  /^(Download|Initialize|Check) /,
  /^[╭│╰]/,
];

/** Removes the known start-up lines from what a kernel process wrote to its standard streams. */
export function withoutNativeNoise(text: string): string {
  return text
    .split(/(?<=\n)/)
    .filter((line) => !NOISE.some((pattern) => pattern.test(line.trimStart())))
    .join("");
}
