import { backend, eager, rawOp, tf } from "./backend.ts";

/**
 * `x`, and in a traced function nothing that is computed from it before `first` has been computed.
 *
 * TensorFlow runs an operation as soon as its inputs are there. What a gradient function computes again
 * from tensors of the forward pass would be computed during the forward pass, and be kept until it is
 * wanted; where the forward pass has computed the same, that would be kept instead. A gradient function
 * that reads `afterwards(x, dy)` computes it when it is wanted. It copies nothing, and has no gradient.
 *
 * @param x Any shape and type.
 * @param first What must be there before; its values do not matter.
 */
export function afterwards<T extends tf.TensorInfo>(x: T, first: tf.TensorInfo): T {
  if (backend.binding === eager) return x;
  const types = [x, first].map(({ dtype }) => dtype);
  return rawOp("IdentityN", [x, first], { T: { type: types } }, 2)[0] as unknown as T;
}

/** The gradient that {@linkcode shortlyBefore} was called with last, in each trace. */
const lastGradients = new WeakMap<object, { id: number; dtype: number }>();

/**
 * As {@linkcode afterwards}, but already when the gradient is there that the call before this one was
 * for: what is computed from `x` alone is then ready when `dy` comes, and little of it is kept.
 *
 * @param dy The gradient that `x` is wanted for.
 */
export function shortlyBefore<T extends tf.TensorInfo>(x: T, dy: tf.TensorInfo): T {
  const { binding } = backend;
  if (binding === eager) return x;
  const [id, next] = backend.getInputTensorIds([x, dy]) as [number, number];
  const [type, dtype] = [x, dy].map(({ dtype }) => backend.getDTypeInteger(dtype)) as [
    number,
    number,
  ];
  const first = lastGradients.get(binding) ?? { id: next, dtype };
  lastGradients.set(binding, { id: next, dtype });
  const types = { name: "T", type: eager.TF_ATTR_TYPE, value: [type, first.dtype] };
  const [waiting] = binding.executeOp("IdentityN", [types], [id, first.id], 1);
  return backend.createOutputTensor(waiting!) as unknown as T;
}
