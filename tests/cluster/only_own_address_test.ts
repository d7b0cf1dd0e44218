import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { onlyOwnAddress } from "@/cluster/only_own_address.ts";

/** A filter drops packets without an answer: whoever connects waits. */
const SOON = 300;

async function isReached(hostname: string, port: number): Promise<boolean> {
  const connection = await Deno.connect({ hostname, port, signal: AbortSignal.timeout(SOON) })
    .catch(() => undefined);
  connection?.close();
  return connection !== undefined;
}

const isLinux = Deno.build.os === "linux";
const hasV6 = await Deno.readTextFile("/proc/net/if_inet6").then(
  (text) => /^0{31}1 /m.test(text),
  () => false,
);

const CASES = [
  { listens: "0.0.0.0", own: "127.0.0.1", others: ["127.0.0.2", "127.1.0.1", "127.0.1.1"] },
  { listens: "0.0.0.0", own: "127.0.0.2", others: ["127.0.0.1", "127.0.0.3"] },
  { listens: "::", own: "127.0.0.2", others: ["127.0.0.1", "::1"] },
  { listens: "::", own: "::1", others: ["127.0.0.1"] },
];

for (const { listens, own, others } of CASES) {
  Deno.test({
    name: `onlyOwnAddress() lets ${own} through and not ${
      others.join(", ")
    }, listening on ${listens}`,
    ignore: !isLinux || (!hasV6 && `${listens}${own}`.includes(":")),
    fn: async () => {
      using listener = Deno.listen({ hostname: listens, port: 0 });
      const { port } = listener.addr as Deno.NetAddr;
      for (const address of [own, ...others]) {
        if (listens === "0.0.0.0") assert(await isReached(address, port), `${address} before`);
      }
      assert(onlyOwnAddress(own, port));
      assert(await isReached(own, port), own);
      for (const address of others) assertEquals(await isReached(address, port), false, address);
    },
  });
}

Deno.test("onlyOwnAddress() says where there is nothing to close", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  assertEquals(onlyOwnAddress("127.0.0.1", port), false);
});

Deno.test({
  name: "joinCluster() makes TensorFlow's server reachable by the worker's own address alone",
  ignore: !isLinux,
  fn: async () => {
    const program = fileURLToPath(new URL("lone_member_program.ts", import.meta.url));
    const listener = Deno.listen({ hostname: "127.0.0.2", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, `127.0.0.2:${port}`],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "joined\n");
    assert(await isReached("127.0.0.2", port));
    for (const other of ["127.0.0.1", "127.0.0.3"]) {
      assertEquals(await isReached(other, port), false, other);
    }
    await child.stdin.close(); // it ends
    await reader.cancel();
    assertEquals((await child.status).code, 0);
  },
});
