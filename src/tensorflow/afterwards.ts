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
  return rawOp("IdentityN", [x, first], { T: { type: types } })[0] as unknown as T;
}
