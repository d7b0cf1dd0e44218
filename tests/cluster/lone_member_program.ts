/** The only worker of a cluster, `lone_member_program.ts ADDRESS`: stays in it until its input ends. */
import { joinCluster, parseTfConfig } from "@/cluster/mod.ts";

const config = { cluster: { worker: [Deno.args[0]] }, task: { type: "worker", index: 0 } };
const cluster = await joinCluster(parseTfConfig(JSON.stringify(config))!);
console.log("joined");
for await (const _ of Deno.stdin.readable);
await cluster.leave();
Deno.exit(0);
