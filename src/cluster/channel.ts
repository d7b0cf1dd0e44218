import { z } from "zod";
import { ClusterError } from "./cluster_error.ts";
import { listenOn } from "./own_address.ts";
import { MessageStream } from "./message_stream.ts";
import type { ClusterSpec, Member } from "./tf_config.ts";

/** How long members wait for one another. */
export interface Patience {
  /** Seconds until all members must have started. */
  start: number;
  /** Seconds without a sign of life after which a member is given up. */
  lost: number;
}

/** What members tell one another. */
const messageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("hello"), index: z.int(), addresses: z.array(z.string()) }),
  z.object({ kind: z.literal("alive") }),
  z.object({ kind: z.literal("value"), what: z.string(), value: z.unknown() }),
  z.object({ kind: z.literal("values"), what: z.string(), values: z.array(z.unknown()) }),
  z.object({ kind: z.literal("failed"), index: z.int(), reason: z.string() }),
  z.object({ kind: z.literal("bye") }),
]);
type Message = z.output<typeof messageSchema>;

/** A member on the other side of a connection. */
interface Peer {
  index: number;
  stream: MessageStream;
  /** When it last gave a sign of life; milliseconds. */
  seen: number;
  /** Whether it has said that it is done. */
  left: boolean;
}

/** A round in which each member gives a value. */
interface Round {
  what: string;
  resolve(values: unknown[]): void;
  reject(error: Error): void;
}

/**
 * What connects the members beside TensorFlow, whose collectives wait for ever for a member that is gone:
 * one TCP connection from each to the chief, over which they exchange small values and signs of life.
 * Whoever is lost, hangs or fails is named to all others.
 *
 * The chief listens on its own address of the cluster until all have come. The connections stay when
 * TensorFlow then listens on the same address: no other port is opened.
 */
export class Channel {
  readonly #spec: ClusterSpec;
  readonly #patience: Patience;
  readonly #peers: Peer[] = [];
  readonly #onFailure: ((error: ClusterError) => void)[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  #failure: ClusterError | undefined;
  #isClosed = false;
  #round: Round | undefined;
  /** Values that have come, by member; those of the next round may come before this one's end. */
  readonly #values: { what: string; value: unknown }[][];
  #lastTick = performance.now();

  private constructor(
    spec: ClusterSpec,
    patience: Patience,
    peers: { index: number; stream: MessageStream; rest: AsyncGenerator<unknown, void, void> }[],
  ) {
    this.#spec = spec;
    this.#patience = patience;
    this.#values = spec.members.map(() => []);
    for (const { index, stream, rest } of peers) {
      const peer: Peer = { index, stream, seen: performance.now(), left: false };
      this.#peers.push(peer);
      void this.#listen(peer, rest);
    }
    this.#timer = setInterval(() => this.#tick(), this.#interval);
  }

  /**
   * Connects the members.
   *
   * @throws {ClusterError} If one of them does not come in time, or has another cluster.
   */
  static async open(spec: ClusterSpec, patience: Patience): Promise<Channel> {
    const peers = spec.index === 0
      ? await acceptMembers(spec, patience)
      : [await connectToChief(spec, patience)];
    return new Channel(spec, patience, peers);
  }

  /** Why the members can no longer work together, once it is known. */
  get failure(): ClusterError | undefined {
    return this.#failure;
  }

  /** Calls back as soon as a member is lost. */
  onFailure(callback: (error: ClusterError) => void): void {
    if (this.#failure) callback(this.#failure);
    else this.#onFailure.push(callback);
  }

  /**
   * Gives a value and gets those of all members, in their order. All must call it, the same times and
   * with the same names.
   *
   * @param what What the values are, to find members that are out of step.
   * @param value JSON.
   * @throws {ClusterError} If a member is lost meanwhile.
   */
  gather<T>(what: string, value: T): Promise<T[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#round = { what, resolve: (values) => resolve(values as T[]), reject };
      if (this.#spec.index === 0) {
        this.#values[0]!.push({ what, value });
        this.#endRound();
      } else {
        void this.#peers[0]!.stream.send({ kind: "value", what, value });
        this.#endRound();
      }
    });
  }

  /** Tells the others why this member stops, and closes. */
  async fail(reason: string): Promise<void> {
    if (this.#isClosed) return;
    const { index } = this.#spec;
    if (!this.#failure) await this.#tellAll({ kind: "failed", index, reason });
    this.#close();
  }

  /** Ends the work of all members together; does nothing where it has ended already. */
  async leave(): Promise<void> {
    if (this.#isClosed || this.#failure) return;
    await this.gather("leave", null);
    await this.#tellAll({ kind: "bye" });
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const peer of this.#peers) {
      peer.left = true;
      peer.stream.close();
    }
  }

  async #tellAll(message: Message): Promise<void> {
    const sent = Promise.all(this.#peers.map(({ stream }) => stream.send(message)));
    // One that hangs does not read: it must not hold up the others.
    let timer;
    const late = new Promise((resolve) => timer = setTimeout(resolve, 1000));
    await Promise.race([sent, late]);
    clearTimeout(timer);
  }

  async #listen(peer: Peer, messages: AsyncGenerator<unknown, void, void>): Promise<void> {
    try {
      for await (const message of messages) {
        peer.seen = performance.now();
        this.#take(peer, messageSchema.parse(message));
      }
      if (!peer.left) {
        this.#lose(peer.index, "its connection is closed: it has ended or was killed");
      }
    } catch (error) {
      if (!peer.left) this.#lose(peer.index, `it says what is not understood: ${error}`);
    }
  }

  #take(peer: Peer, message: Message): void {
    switch (message.kind) {
      case "value":
        this.#values[peer.index]!.push(message);
        return this.#endRound();
      case "values":
        this.#values[0]!.push({ what: message.what, value: message.values });
        return this.#endRound();
      case "failed":
        return this.#lose(message.index, message.reason);
      case "bye":
        peer.left = true;
    }
  }

  #endRound(): void {
    const round = this.#round;
    if (!round) return;
    const isChief = this.#spec.index === 0;
    const waiting = isChief ? this.#values : [this.#values[0]!];
    if (waiting.some((values) => values.length === 0)) return;
    const values = waiting.map((values) => values.shift()!);
    const strange = values.findIndex(({ what }) => what !== round.what);
    if (strange >= 0) {
      const { what } = values[strange]!;
      return this.#lose(strange, `it is out of step: at "${what}" instead of "${round.what}"`);
    }
    this.#round = undefined;
    if (!isChief) return round.resolve(values[0]!.value as unknown[]);
    const all = values.map(({ value }) => value);
    for (const { stream } of this.#peers) {
      void stream.send({ kind: "values", what: round.what, values: all });
    }
    round.resolve(all);
  }

  /** Milliseconds between signs of life. */
  get #interval(): number {
    return Math.min(5000, this.#patience.lost * 1000 / 5);
  }

  #tick(): void {
    const now = performance.now();
    // Where this process itself stood still (tracing, a stopped machine), what has come meanwhile is read
    // only after this.
    const stoodStill = now - this.#lastTick > 2 * this.#interval;
    this.#lastTick = now;
    for (const peer of this.#peers) {
      void peer.stream.send({ kind: "alive" });
      if (stoodStill) peer.seen = now;
      else if (!peer.left && now - peer.seen > this.#patience.lost * 1000) {
        this.#lose(peer.index, `it has given no sign of life for ${this.#patience.lost} s`);
      }
    }
  }

  #lose(index: number, reason: string): void {
    if (this.#failure) return;
    const { members } = this.#spec;
    const error = new ClusterError(
      `Cannot go on as ${describeMember(members[index])} is lost: ${reason}. Start all workers ` +
        `again to go on from the last checkpoint`,
    );
    this.#failure = error;
    void this.#tellAll({ kind: "failed", index, reason }).then(() => this.#close());
    this.#round?.reject(error);
    this.#round = undefined;
    for (const callback of this.#onFailure) callback(error);
  }
}

/** "worker 1 (10.0.0.2:2222)" */
export function describeMember(member: Member | undefined): string {
  return member ? `${member.name} (${member.address})` : "a worker that is not known";
}

/** Seconds in which the chief's name becomes known and its port free. */
const LISTEN_SECONDS = 10;

type Accepted = {
  index: number;
  stream: MessageStream;
  rest: AsyncGenerator<unknown, void, void>;
};

/** Waits until all other members have connected to this one, the chief. */
async function acceptMembers(spec: ClusterSpec, { start }: Patience): Promise<Accepted[]> {
  const { members } = spec;
  const { address } = members[0]!;
  const listener = await listenOn(members[0]!, Math.min(start, LISTEN_SECONDS));
  const accepted = new Map<number, Accepted>();
  const timer = setTimeout(() => listener.close(), start * 1000);
  const opened: MessageStream[] = [];
  try {
    while (accepted.size < members.length - 1) {
      const connection = await listener.accept().catch(() => undefined);
      if (!connection) {
        const missing = members.slice(1).filter((_, i) => !accepted.has(i + 1)).map(describeMember);
        throw new ClusterError(
          `Cannot start as not all workers have come within ${start} s: ${missing.join(", ")}. ` +
            `Start them, and see whether they reach ${address}`,
        );
      }
      const stream = new MessageStream(connection);
      opened.push(stream);
      const rest = stream.messages();
      const hello = await firstMessage(rest);
      // Not a member: something that looks at ports.
      if (hello?.kind !== "hello") {
        stream.close();
        continue;
      }
      const why = refuseHello(hello, spec, accepted);
      if (why) {
        await stream.send({ kind: "failed", index: 0, reason: why });
        throw new ClusterError(`Cannot start as ${why}`);
      }
      accepted.set(hello.index, { index: hello.index, stream, rest });
    }
    return [...accepted.values()].sort((a, b) => a.index - b.index);
  } catch (error) {
    for (const stream of opened) stream.close();
    throw error;
  } finally {
    clearTimeout(timer);
    try {
      listener.close();
    } catch {
      // closed by the timer
    }
  }
}

/** The first message of a connection that has just been made, or undefined if it is slow or nonsense. */
async function firstMessage(
  messages: AsyncGenerator<unknown, void, void>,
): Promise<Message | undefined> {
  const SOON = 5000;
  let timer;
  const late = new Promise<undefined>((resolve) =>
    timer = setTimeout(() => resolve(undefined), SOON)
  );
  const first = messages.next()
    .then(({ value }) => messageSchema.safeParse(value).data)
    .catch(() => undefined);
  const message = await Promise.race([first, late]);
  clearTimeout(timer);
  return message;
}

function refuseHello(
  hello: Extract<Message, { kind: "hello" }>,
  { members }: ClusterSpec,
  accepted: ReadonlyMap<number, unknown>,
): string | undefined {
  const addresses = members.map(({ address }) => address);
  if (`${hello.addresses}` !== `${addresses}`) {
    return `the workers have been told of different clusters: [${addresses}] (chief) and ` +
      `[${hello.addresses}] (number ${hello.index})`;
  }
  if (!members[hello.index] || hello.index === 0 || accepted.has(hello.index)) {
    return `two processes say that they are ${describeMember(members[hello.index])}`;
  }
}

/** Connects to the chief, as soon as it listens. */
async function connectToChief(spec: ClusterSpec, { start }: Patience): Promise<Accepted> {
  const AGAIN = 200;
  const [chief] = spec.members;
  const until = performance.now() + start * 1000;
  for (;;) {
    try {
      const connection = await Deno.connect({ hostname: chief!.host, port: chief!.port });
      const stream = new MessageStream(connection);
      const addresses = spec.members.map(({ address }) => address);
      await stream.send({ kind: "hello", index: spec.index, addresses });
      return { index: 0, stream, rest: stream.messages() };
    } catch (error) {
      if (performance.now() > until) {
        throw new ClusterError(
          `Cannot start as ${describeMember(chief)} cannot be reached within ${start} s: ` +
            `${(error as Error).message}. Start it, and see whether this machine reaches it`,
          { cause: error },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}
