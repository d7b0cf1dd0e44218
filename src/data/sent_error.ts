/** An error as it can be sent from one thread to another, which takes away its class and the system's code. */
export interface SentError {
  name: string;
  message: string;
  /** Of the thread that threw it. */
  stack?: string | undefined;
  /** The system's name of what went wrong, such as `ENOSPC`. */
  code?: string;
  cause?: SentError;
}

/** Whatever was thrown, ready to be sent. */
export function toSentError(thrown: unknown): SentError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  const { name, message, stack, cause } = thrown;
  return {
    name,
    message,
    stack,
    ...("code" in thrown && typeof thrown.code === "string" && { code: thrown.code }),
    ...(cause !== undefined && { cause: toSentError(cause) }),
  };
}

const CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  ...Deno.errors as unknown as Record<string, ErrorConstructor>,
  RangeError,
  SyntaxError,
  TypeError,
};

/** The error again: of its class where that is JavaScript's or Deno's own, else of its name. */
export function fromSentError({ name, message, stack, code, cause }: SentError): Error {
  const options = cause === undefined ? {} : { cause: fromSentError(cause) };
  const error = new (CLASSES[name] ?? Error)(message, options);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name });
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}

/** The same error, whose message says first what could not be done. */
export function withTask(what: string, thrown: unknown): Error {
  const { message, stack: _, ...rest } = toSentError(thrown);
  const error = fromSentError({ ...rest, message: `${what}: ${message}` });
  error.cause = thrown;
  return error;
}
