import { PbfWriter } from "pbf";

/** What this project sets of TensorFlow's configuration. */
export interface Config {
  /** Threads within an operation and between operations. Default: one for each core. */
  threads?: number;
  /**
   * Names of the graph optimizers (grappler) that rewrite a function before it runs, these and no
   * others. Default: those that TensorFlow itself chooses.
   */
  optimizers?: readonly string[];
}

/**
 * The bytes of a `ConfigProto` (tensorflow/core/protobuf/config.proto, rewriter_config.proto), in the
 * order of the fields' numbers. GPU memory is taken as it is needed instead of all at once; threads
 * without work sleep.
 */
export function configProto({ threads, optimizers = [] }: Config = {}): Uint8Array<ArrayBuffer> {
  const INTRA_OP_THREADS = 2, INTER_OP_THREADS = 5, GPU_OPTIONS = 6, ALLOW_GROWTH = 4;
  const GRAPH_OPTIONS = 10, REWRITE_OPTIONS = 10, OPTIMIZERS = 100;
  const EXPERIMENTAL = 16, DISABLE_THREAD_SPINNING = 9;
  const writer = new PbfWriter();
  if (threads !== undefined) {
    writer.writeVarintField(INTRA_OP_THREADS, threads);
    writer.writeVarintField(INTER_OP_THREADS, threads);
  }
  writer.writeMessage(GPU_OPTIONS, (_, gpu) => gpu.writeBooleanField(ALLOW_GROWTH, true), null);
  if (optimizers.length > 0) {
    writer.writeMessage(GRAPH_OPTIONS, (_, graph) => {
      graph.writeMessage(REWRITE_OPTIONS, (_, rewrite) => {
        for (const name of optimizers) rewrite.writeStringField(OPTIMIZERS, name);
      }, null);
    }, null);
  }
  // Threads that look for work without end take the core of those that have some.
  const quiet = (_: unknown, experimental: PbfWriter) =>
    experimental.writeBooleanField(DISABLE_THREAD_SPINNING, true);
  writer.writeMessage(EXPERIMENTAL, quiet, null);
  return new Uint8Array(writer.finish());
}
