import { rawOp, tf } from "./backend.ts";

const FLOAT = { dtype: { type: "float32" } } as const;
let made = 0;

/**
 * A variable that TensorFlow's operations change in place (its resource variable): a `tf.Variable` gets
 * a new tensor with each change, which costs memory and a pass over it for each operation. Pass
 * {@linkcode handle} to operations that want a resource, such as "ResourceApplyAdam".
 *
 * In a traced function, operations on the same variable run in the order in which they were traced.
 */
export class ResourceVariable {
  readonly shape: number[];
  /** What operations know the variable by. */
  readonly handle: tf.Tensor;

  /** @param start Float32 values that it starts with; the tensor stays the caller's. */
  constructor(start: tf.Tensor) {
    this.shape = start.shape;
    const [handle] = rawOp("VarHandleOp", [], {
      ...FLOAT,
      shape: { shape: start.shape },
      shared_name: { string: `resource_variable_${made++}` },
    });
    this.handle = tf.keep(handle!);
    this.assign(start);
  }

  /** Its values, as they are now. */
  read(): tf.Tensor {
    return tf.tidy(() => {
      const [value] = rawOp("ReadVariableOp", [this.handle], FLOAT);
      // Only the one who made the variable knows its shape: a trace sees a handle.
      return rawOp("EnsureShape", [value!], {
        T: FLOAT.dtype,
        shape: { shape: this.shape },
      })[0]!;
    });
  }

  /** A copy of its values. */
  dataSync(): Float32Array {
    return tf.tidy(() => this.read().dataSync() as Float32Array);
  }

  /** Gives it other values. */
  assign(value: tf.Tensor): void {
    tf.util.assertShapesMatch(value.shape, this.shape, "Cannot assign to a resource variable: ");
    rawOp("AssignVariableOp", [this.handle, value], FLOAT, 0);
  }

  /** Frees its memory; operations that still know it fail from then on. */
  dispose(): void {
    rawOp("DestroyResourceOp", [this.handle], {}, 0);
    this.handle.dispose();
  }
}
