/**
 * TensorFlow.js on the libtensorflow of TensorFlow's pip package, through Deno's foreign function
 * interface. `tf` is ordinary TensorFlow.js; {@linkcode jit} makes one TensorFlow function of code
 * written with it.
 */
export { afterwards, shortlyBefore } from "./afterwards.ts";
export { type AttributeValue, eager, rawOp, tf } from "./backend.ts";
export { library, TensorFlowError, tensorflowVersion } from "./c_api.ts";
export { checkCompileOptions } from "./check_compile.ts";
export { type CollectiveHint, Collectives } from "./collectives.ts";
export { type Device, listDevices } from "./context.ts";
export { type DeviceChoice, usesGpu } from "./device.ts";
export { DisposedTensorError } from "./eager.ts";
export { gpuModels } from "./gpu_models.ts";
export {
  asInput,
  type CompileOptions,
  isConstant,
  isTracing,
  jit,
  type JitOptions,
  type Jitted,
} from "./jit.ts";
export { keptByKeys } from "./keyed_draws.ts";
export { findTensorFlow, type TensorFlowLibrary, TensorFlowNotFoundError } from "./library.ts";
export { inFloat32, keepFloat32, type MixedPrecision } from "./mixed_precision.ts";
export { hasOneDnn, usesBfloat16, usesOneDnn } from "./onednn.ts";
export { kernelsCompiled, oneKernel, paysAsOneKernel } from "./one_kernel.ts";
export { OneDnn } from "./onednn_names.ts";
export { ResourceVariable } from "./resource_variable.ts";
export { type Share, StatelessRandom } from "./stateless_random.ts";
export { TraceError } from "./traced.ts";
