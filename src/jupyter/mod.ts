/** Runs notebooks with Deno's own Jupyter kernel, and reads and writes notebook files. */
export { kernelEnvironment } from "./environment.ts";
export { type ExecuteReply, Kernel, KernelError, type KernelOptions } from "./kernel.ts";
export type { Message, MessageContent } from "./message.ts";
export {
  type Cell,
  type CellOutput,
  cellSource,
  type CodeCell,
  formatNotebook,
  joinLines,
  type MultilineText,
  type Notebook,
  NotebookError,
  notebookNames,
  readNotebook,
  splitLines,
  type TextCell,
  writeNotebook,
} from "./notebook.ts";
export {
  MAX_NOTEBOOK_BYTES,
  MAX_OUTPUT_BYTES,
  type RunFailure,
  runNotebook,
  type RunOptions,
  type RunResult,
} from "./run_notebook.ts";
