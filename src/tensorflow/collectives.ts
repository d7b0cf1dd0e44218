import { rawOp, tf } from "./backend.ts";
import { c, Status } from "./c_api.ts";
import { context } from "./context.ts";

/** How values travel: through gRPC, or between GPUs through NCCL. */
export type CollectiveHint = "ring" | "nccl";

/** All of a process's collectives belong to one group. */
const GROUP_KEY = 1;

/**
 * TensorFlow's collective operations among the processes of a cluster (`CollectiveReduceV2`). They may be
 * traced. Each of them waits for all processes: every process must run the same ones, in the same order.
 *
 * Gradients pass through {@linkcode mean} and {@linkcode sum}: what a process gets is the sum over all
 * processes of the gradients of their results, which is right where the processes' losses add up or are
 * averaged.
 */
export class Collectives {
  /** What has been made so far, run or traced: a traced function makes its own once, for all its calls. */
  readonly made = { operations: 0, numbers: 0 };

  /**
   * Makes this process a worker of the cluster: it listens for the others from now on.
   *
   * @param serverDef The bytes of a `ServerDef`.
   * @throws {TensorFlowError} If the address is taken, or the cluster makes no sense.
   */
  constructor(
    serverDef: Uint8Array<ArrayBuffer>,
    readonly size: number,
    public hint: CollectiveHint,
  ) {
    const call = new Status();
    try {
      c.TFE_EnableCollectiveOps(context, serverDef, BigInt(serverDef.length), call.pointer);
      call.check("join the cluster");
    } finally {
      call.delete();
    }
  }

  /** The mean of the processes' tensors. */
  mean<T extends tf.Tensor>(x: T): T {
    return this.#differentiable(x, "Div");
  }

  /** The sum of the processes' tensors. */
  sum<T extends tf.Tensor>(x: T): T {
    return this.#differentiable(x, "Id");
  }

  /**
   * The means of several tensors at once, packed into few large ones: a reduction takes as long as
   * hundreds of kilobytes, however small it is. The last come first, as the backward pass ends with the
   * first.
   *
   * @param most Numbers in a pack, if no tensor has more.
   */
  means(tensors: readonly tf.Tensor[], most = 1 << 22): tf.Tensor[] {
    return packed(tensors, most, (pack) => this.mean(pack));
  }

  /** The sums of several tensors at once; otherwise as {@linkcode means}. */
  sums(tensors: readonly tf.Tensor[], most = 1 << 22): tf.Tensor[] {
    return packed(tensors, most, (pack) => this.sum(pack));
  }

  #differentiable<T extends tf.Tensor>(x: T, finalOp: "Id" | "Div"): T {
    const reduce = tf.customGrad((x) => ({
      value: this.#reduce(x as tf.Tensor, finalOp),
      gradFunc: (dy: tf.Tensor) => this.#reduce(dy, finalOp),
    }));
    return reduce(x) as T;
  }

  #reduce(x: tf.Tensor, finalOp: "Id" | "Div"): tf.Tensor {
    const number = (value: number) => tf.scalar(value, "int32");
    const instance = ++this.made.operations;
    this.made.numbers += x.size;
    return tf.tidy(() =>
      rawOp("CollectiveReduceV2", [x, number(this.size), number(GROUP_KEY), number(instance)], {
        T: { type: "float32" },
        merge_op: { string: "Add" },
        final_op: { string: finalOp },
        communication_hint: { string: this.hint },
        Nordering_token: { int: 0 },
      })[0]!
    );
  }

  /** Makes collectives that wait for another process fail, and all later ones. */
  abort(reason: string): void {
    const UNAVAILABLE = 14;
    const call = new Status();
    const message = new TextEncoder().encode(reason + "\0");
    c.TF_SetStatus(call.pointer, UNAVAILABLE, message);
    c.TFE_AbortCollectiveOps(context, call.pointer);
    call.delete();
  }
}

/** Reduces tensors in packs of up to `most` numbers. */
function packed(
  tensors: readonly tf.Tensor[],
  most: number,
  reduce: (pack: tf.Tensor) => tf.Tensor,
): tf.Tensor[] {
  const reduced: tf.Tensor[] = new Array(tensors.length);
  for (let end = tensors.length; end > 0;) {
    let start = end - 1;
    let size = tensors[start]!.size;
    while (start > 0 && size + tensors[start - 1]!.size <= most) size += tensors[--start]!.size;
    const pack = tensors.slice(start, end);
    const whole = reduce(tf.concat(pack.map((tensor) => tf.reshape(tensor, [-1]))));
    const parts = tf.split(whole, pack.map((tensor) => tensor.size));
    for (const [i, part] of parts.entries()) {
      reduced[start + i] = tf.reshape(part, tensors[start + i]!.shape);
    }
    end = start;
  }
  return reduced;
}
