/** A connection that carries JSON values, one a line. */
export class MessageStream {
  readonly #connection: Deno.Conn;
  readonly #encoder = new TextEncoder();
  /** Writes wait for one another, so that lines do not mix. */
  #written: Promise<void> = Promise.resolve();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Sends a value. An error is no news: the reader finds the connection closed. */
  send(message: unknown): Promise<void> {
    const bytes = this.#encoder.encode(JSON.stringify(message) + "\n");
    this.#written = this.#written.then(async () => {
      for (let sent = 0; sent < bytes.length;) {
        sent += await this.#connection.write(bytes.subarray(sent));
      }
    }).catch(() => {});
    return this.#written;
  }

  /**
   * The values that arrive, until the connection is closed.
   *
   * @throws {SyntaxError} If a line is not JSON, or longer than `LONGEST_LINE`.
   */
  async *messages(): AsyncGenerator<unknown, void, void> {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(65_536);
    let parts: string[] = [], length = 0;
    for (;;) {
      const count = await this.#connection.read(chunk).catch(() => null);
      if (count === null) return;
      const lines = decoder.decode(chunk.subarray(0, count), { stream: true }).split("\n");
      for (const [i, line] of lines.entries()) {
        if (i > 0) {
          const whole = parts.join("");
          parts = [];
          length = 0;
          yield JSON.parse(whole);
        }
        parts.push(line);
        length += line.length;
        if (length > LONGEST_LINE) {
          throw new SyntaxError(`Cannot read a message as it is longer than ${LONGEST_LINE}`);
        }
      }
    }
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // the other side was faster
    }
  }
}

/** Characters; a cluster's longest message is the state of a stage, some kilobytes. */
const LONGEST_LINE = 1 << 24;
