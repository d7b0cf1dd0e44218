/** Those of oneDNN's kernels for x86 CPUs that the project names itself. */
export const OneDnn = {
  CONV: "_MklNativeFusedConv2D",
  SWISH: "_MklSwish",
} as const;
