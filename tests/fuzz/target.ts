/** A parser that damaged inputs are given to. */
export interface Target {
  name: string;
  /**
   * The parser runs in a process of its own that is ended when it hangs: what happens to it is a
   * refusal. (default: false)
   */
  isolated?: boolean;
  /** Valid inputs. */
  seeds: readonly Uint8Array[];
  /**
   * Reads an input.
   *
   * @param source The seed that it was made from.
   * @throws What it says that it throws for damaged input: see `isRefusal`.
   * @throws {Find} If the result is wrong.
   */
  read(bytes: Uint8Array, source: number): Promise<void> | void;
  /** Whether an error is one that the parser may throw. */
  isRefusal(error: unknown): boolean;
}

/** The parser accepted a damaged input and gave what cannot be right. */
export class Find extends Error {
  override name = "Find";
}

/** Makes a {@linkcode Find} unless something holds. */
export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Find(what);
}
