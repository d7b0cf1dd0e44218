/**
 * TensorFlow.js on the libtensorflow of TensorFlow's pip package, through Deno's foreign function
 * interface. `tf` is ordinary TensorFlow.js; {@linkcode jit} makes one TensorFlow function of code
 * written with it.
 */
export { type AttributeValue, eager, rawOp, tf } from "./backend.ts";
export { library, TensorFlowError, tensorflowVersion } from "./c_api.ts";
export { type Device, listDevices } from "./context.ts";
export { DisposedTensorError } from "./eager.ts";
export { isTracing, jit, type JitOptions, type Jitted } from "./jit.ts";
export { findTensorFlow, type TensorFlowLibrary, TensorFlowNotFoundError } from "./library.ts";
export { ResourceVariable } from "./resource_variable.ts";
export { StatelessRandom } from "./stateless_random.ts";
export { TraceError } from "./traced.ts";
