import { rawOp, tf } from "@/tensorflow/mod.ts";

/** Rows in falling order, and where each value stood. */
export interface Sorted {
  /** `[rows, columns]` */
  values: tf.Tensor2D;
  /** Column in the input of each sorted value; int32 `[rows, columns]`. */
  permutation: tf.Tensor2D;
}

const SORT = "project/SortDescending";
const FLOAT = { type: "float32" } as const;
const INT = { type: "int32" } as const;

tf.registerKernel({
  kernelName: SORT,
  backendName: "tensorflow",
  kernelFunc: ({ inputs: { x } }) => {
    const columns = tf.scalar(x!.shape[1]!, "int32");
    const sorted = rawOp("TopKV2", [x!, columns], { T: FLOAT, sorted: { bool: true } }, 2);
    columns.dispose();
    return sorted;
  },
});
tf.registerGradient({
  kernelName: SORT,
  outputsToSave: [false, true],
  gradFunc: (dys, [permutation]) => ({
    x: () => scatterColumns((dys as tf.Tensor[])[0] as tf.Tensor2D, permutation as tf.Tensor2D),
  }),
});

/** Sorts each row from its largest value to its smallest; of equal values, the first comes first. */
export function sortDescending(x: tf.Tensor2D): Sorted {
  const [values, permutation] = tf.engine().runKernel(SORT, { x }) as unknown as tf.Tensor2D[];
  return { values: values!, permutation: permutation! };
}

/** `x` of each row in another order: `result[r, c] = x[r, columns[r, c]]`; it has no gradient. */
export function gatherColumns(x: tf.Tensor2D, columns: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const flat = tf.reshape(x, [-1]);
    const axis = tf.scalar(0, "int32");
    const attributes = { Tparams: FLOAT, Tindices: INT, Taxis: INT, batch_dims: { int: 0 } };
    return rawOp("GatherV2", [flat, flatIndices(columns), axis], attributes)[0]! as tf.Tensor2D;
  });
}

/** The inverse of {@linkcode gatherColumns} for a permutation of the columns. */
function scatterColumns(x: tf.Tensor2D, columns: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const indices = tf.reshape(flatIndices(columns), [-1, 1]);
    const shape = tf.tensor1d([x.size], "int32");
    const attributes = { T: FLOAT, Tindices: INT };
    const flat = rawOp("ScatterNd", [indices, tf.reshape(x, [-1]), shape], attributes)[0]!;
    return tf.reshape(flat, x.shape);
  });
}

/** Places of `[row, column]` in the flattened matrix. */
function flatIndices(columns: tf.Tensor2D): tf.Tensor2D {
  const [rows, count] = columns.shape;
  const offsets = tf.tensor2d(Array.from({ length: rows }, (_, row) => row * count), [rows, 1]);
  return tf.add(columns, tf.cast(offsets, "int32")) as tf.Tensor2D;
}
