import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Channel } from "@/cluster/channel.ts";
import { ClusterError, type ClusterSpec, parseTfConfig } from "@/cluster/mod.ts";
import { freeAddresses } from "./workers.ts";

function specs(count: number): ClusterSpec[] {
  const worker = freeAddresses(count);
  return worker.map((_, index) =>
    parseTfConfig(JSON.stringify({ cluster: { worker }, task: { type: "worker", index } }))!
  );
}

const PATIENCE = { start: 5, lost: 1 };

async function open(count: number): Promise<Channel[]> {
  return await Promise.all(specs(count).map((spec) => Channel.open(spec, PATIENCE)));
}

async function leave(channels: Channel[]): Promise<void> {
  await Promise.all(channels.map((channel) => channel.leave()));
}

Deno.test("Channel.gather() gives each member all values, in the members' order", async () => {
  const channels = await open(3);
  for (let round = 0; round < 20; round++) {
    const given = channels.map((_, i) => ({ i, round, text: "ä\n" }));
    const all = await Promise.all(channels.map((channel, i) => channel.gather("x", given[i])));
    assertEquals(all, channels.map(() => given));
  }
  const long = "x".repeat(300_000);
  const texts = await Promise.all(channels.map((channel) => channel.gather("long", long)));
  assertEquals(texts.flat().every((text) => text === long), true);
  await leave(channels);
});

Deno.test("Channel.gather() finds members that are out of step", async () => {
  const channels = await open(2);
  const errors = await Promise.all(
    channels.map((channel, i) =>
      channel.gather(i === 0 ? "epoch" : "batch", 1).catch((error) => error)
    ),
  );
  for (const error of errors) {
    assertEquals(error instanceof ClusterError, true);
    assertStringIncludes(error.message, "worker 1 (127.0.0.1:");
    assertStringIncludes(error.message, 'out of step: at "batch" instead of "epoch"');
  }
});

Deno.test("Channel tells all members of one that fails, and why", async () => {
  const channels = await open(3);
  const waiting = [0, 2].map((i) => channels[i]!.gather("x", 1).catch((error) => error));
  await channels[1]!.fail("its disk is full");
  for (const error of await Promise.all(waiting)) {
    assertEquals(error instanceof ClusterError, true);
    assertStringIncludes(error.message, "Cannot go on as worker 1 (127.0.0.1:");
    assertStringIncludes(error.message, "is lost: its disk is full. Start all workers again");
  }
  await assertRejects(() => channels[0]!.gather("y", 1), ClusterError, "its disk is full");
  // The others are still told apart from the one that failed: leaving does nothing any more.
  await leave(channels);
});

Deno.test("Channel gives up a member without a sign of life, and names it to all", async () => {
  const all = specs(3);
  const silent = Promise.all([0, 1].map((i) => Channel.open(all[i]!, PATIENCE)));
  // Says hello, and then nothing, as a process does that hangs.
  const connection = await connectTo(all[0]!);
  await say(connection, { kind: "hello", index: 2, addresses: addressesOf(all[0]!) });
  const channels = await silent;
  const errors = await Promise.all(
    channels.map((channel) => new Promise<ClusterError>((resolve) => channel.onFailure(resolve))),
  );
  for (const { message } of errors) {
    assertStringIncludes(message, "worker 2 (127.0.0.1:");
    assertStringIncludes(message, "it has given no sign of life for 1 s");
  }
  connection.close();
  await Promise.all(channels.map((channel) => channel.fail("done")));
});

Deno.test("Channel.open() names the members that do not come", async () => {
  const all = specs(3);
  const patience = { start: 1, lost: 1 };
  const [chief, worker] = await Promise.all(
    [0, 2].map((i) => Channel.open(all[i]!, patience).catch((error) => error)),
  );
  assertStringIncludes(chief.message, "not all workers have come within 1 s: worker 1 (127.0.0.1:");
  assertEquals(chief.message.includes("worker 2"), false);
  // It has come; its channel ends with the chief's.
  const why = await new Promise<ClusterError>((resolve) => worker.onFailure(resolve));
  assertStringIncludes(why.message, "worker 0 (127.0.0.1:");
  await worker.fail("");
  const [, lonely] = specs(2);
  await assertRejects(
    () => Channel.open(lonely!, patience),
    ClusterError,
    "cannot be reached within 1 s",
  );
});

Deno.test("Channel.open() refuses members of other clusters, and is not disturbed by strangers", async () => {
  const [chief, worker] = specs(2);
  const opening = Channel.open(chief!, PATIENCE);
  const stranger = await connectTo(chief!);
  await stranger.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  const channels = [await Channel.open(worker!, PATIENCE), await opening];
  await leave(channels);
  stranger.close();

  const [again] = specs(2);
  const refusing = Channel.open(again!, PATIENCE);
  const other = await connectTo(again!);
  await say(other, { kind: "hello", index: 1, addresses: ["a:1", "b:1"] });
  await assertRejects(() => refusing, ClusterError, "told of different clusters");
  other.close();
});

function addressesOf({ members }: ClusterSpec): string[] {
  return members.map(({ address }) => address);
}

async function connectTo({ members: [chief] }: ClusterSpec): Promise<Deno.Conn> {
  for (;;) {
    try {
      return await Deno.connect({ hostname: chief!.host, port: chief!.port });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function say(connection: Deno.Conn, message: unknown): Promise<void> {
  await connection.write(new TextEncoder().encode(JSON.stringify(message) + "\n"));
}
