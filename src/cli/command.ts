/**
 * The frame of every task of the command line: reads the arguments, answers `--help`, turns errors into
 * messages and exit codes. It loads nothing, so that help comes at once.
 */

/** Wrong usage that only `run` can find out. */
export class UsageError extends Error {}

/** One task of the command line. */
export interface Command<Options> {
  /** As it is called: `deno task <name>`. */
  name: string;
  /** What `--help` shows. */
  help: string;
  /** Makes options of the arguments; whatever it throws is wrong usage. */
  parse(args: string[]): Options;
  /** Does the work, and returns the exit code if it is not 0. */
  run(options: Options): Promise<number | void>;
}

/**
 * Errors whose message tells the user what to do; any other is a defect and is shown with its stack. By
 * name, as importing the classes would load TensorFlow, which may be what is missing.
 */
const EXPECTED: ReadonlySet<string> = new Set([
  "CheckpointError",
  "ClusterError",
  "DatasetError",
  "DivergenceError",
  "ExperimentError",
  "IsADirectory",
  "KernelError",
  "MissingRunError",
  "NotADirectory",
  "NotFound",
  "NotebookError",
  "PermissionDenied",
  "PhantomError",
  "PretrainedError",
  "RangeError",
  "RunRecordError",
  "SetupError",
  "SiteError",
  "TensorFlowNotFoundError",
]);

/** The system's codes for a disk that is full or must not be written, which have no class in Deno. */
const DISK_CODES: ReadonlySet<unknown> = new Set(["EDQUOT", "ENOSPC", "EROFS"]);

/** Whether errors of that name tell the user what to do. */
export function isExpectedName(name: string): boolean {
  return EXPECTED.has(name);
}

function isExpected(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return isExpectedName(error.name) || ("code" in error && DISK_CODES.has(error.code));
}

/**
 * Makes the function that runs a task. Modules that load TensorFlow are to be imported within `run`.
 *
 * @returns A function from arguments to the exit code: 0 done, 1 failed, 2 wrong usage, or what `run`
 * returns.
 */
export function command<Options>(
  { name, help, parse, run }: Command<Options>,
): (args: string[]) => Promise<number> {
  return async (args) => {
    if (args.includes("--help") || args.includes("-h")) {
      console.log(help);
      return 0;
    }
    const wrongUsage = (error: unknown): number => {
      console.error(`${(error as Error).message}\nSee: deno task ${name} --help`);
      return 2;
    };
    let options: Options;
    try {
      options = parse(args);
    } catch (error) {
      return wrongUsage(error);
    }
    try {
      return await run(options) ?? 0;
    } catch (error) {
      if (error instanceof UsageError) return wrongUsage(error);
      if (isExpected(error)) {
        console.error(error.message);
      } else {
        console.error(error);
        console.error("This is a defect. Please report it, with what `deno task doctor` prints");
      }
      return 1;
    }
  };
}
