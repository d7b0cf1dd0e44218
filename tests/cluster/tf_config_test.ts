import { assertEquals, assertThrows } from "@std/assert";
import { ClusterError, parseTfConfig } from "@/cluster/mod.ts";

const parse = (config: unknown) => parseTfConfig(JSON.stringify(config));

Deno.test("parseTfConfig() finds the members, the chief first, and this one's place", () => {
  const worker = ["a:1", "b:2"];
  const cases: [config: unknown, names: string[], index: number][] = [
    [{ cluster: { worker }, task: { type: "worker", index: 1 } }, ["worker 0", "worker 1"], 1],
    // Kubeflow's training operator, with a chief and an evaluator.
    [
      {
        cluster: { worker, chief: ["c:3"], evaluator: ["e:4"] },
        task: { type: "worker", index: 0 },
      },
      ["chief 0", "worker 0", "worker 1"],
      1,
    ],
    // Vertex AI: more keys.
    [
      {
        cluster: { worker, chief: ["c:3"] },
        task: { type: "chief", index: 0, trial: "" },
        environment: "cloud",
      },
      ["chief 0", "worker 0", "worker 1"],
      0,
    ],
    // Wrappers of shell scripts write numbers as text; older ones call the chief master.
    [
      { cluster: { master: ["m:1"], worker: ["w:1"] }, task: { type: "worker", index: "0" } },
      ["master 0", "worker 0"],
      1,
    ],
    [{ cluster: { worker: ["a:1"] }, task: { type: "worker" } }, ["worker 0"], 0],
  ];
  for (const [config, names, index] of cases) {
    const spec = parse(config)!;
    assertEquals(spec.members.map(({ name }) => name), names);
    assertEquals(spec.index, index);
  }
});

Deno.test("parseTfConfig() parts addresses into host and port", () => {
  const worker = ["10.0.0.1:2222", "[fd00::2]:65535", "job-worker-0.ns.svc:80"];
  const { members } = parse({ cluster: { worker }, task: { type: "worker", index: 0 } })!;
  assertEquals(members.map(({ host, port }) => [host, port]), [
    ["10.0.0.1", 2222],
    ["fd00::2", 65535],
    ["job-worker-0.ns.svc", 80],
  ]);
  assertEquals(members.map(({ address }) => address), worker);
});

Deno.test("parseTfConfig() takes nothing for no cluster", () => {
  for (const text of [undefined, "", " ", "{}"]) assertEquals(parseTfConfig(text), undefined);
});

Deno.test("parseTfConfig() refuses what makes no sense, and says why", () => {
  const task = { type: "worker", index: 0 };
  const cases: [text: string | object, message: string][] = [
    ["{", "it is not JSON"],
    ["[1]", "it is wrong"],
    ["{}x", "it is not JSON"],
    [{ task }, "cluster is wrong"],
    [{ cluster: { worker: ["a:1"] } }, "task is wrong"],
    [{ cluster: { worker: "a:1" }, task }, "cluster.worker is wrong"],
    [{ cluster: {}, task }, "there is no task worker 0 that trains; there are: none"],
    [{ cluster: { worker: ["a:1"] }, task: { type: "worker", index: 1 } }, "no task worker 1"],
    [{ cluster: { worker: ["a:1"] }, task: { type: "worker", index: -1 } }, "no task worker -1"],
    [{ cluster: { worker: ["a:1"] }, task: { type: "worker", index: 0.5 } }, "task.index is wrong"],
    [{ cluster: { worker: ["a:1"] }, task: { type: "chief", index: 0 } }, "no task chief 0"],
    [
      { cluster: { worker: ["a:1"], evaluator: ["e:1"] }, task: { type: "evaluator", index: 0 } },
      "no task evaluator 0",
    ],
    [
      { cluster: { worker: ["a:1", "b:1", "a:1"] }, task },
      "worker 0 and worker 2 have the same address: a:1",
    ],
    [{ cluster: { worker: ["a:1"], ps: ["p:1"] }, task }, "parameter servers (ps)"],
    [{ cluster: { worker: ["a:1"], wroker: ["b:1"] }, task }, "a task that is not known: wroker"],
    [{ cluster: { chief: ["c:1", "d:1"], worker: ["a:1"] }, task }, "more than one chief"],
    [{ cluster: { worker: ["a"] }, task }, "the address of worker 0 is not host:port: a"],
    [{ cluster: { worker: ["a:0"] }, task }, "is not host:port: a:0"],
    [{ cluster: { worker: ["a:65536"] }, task }, "is not host:port"],
    [{ cluster: { worker: ["::1:80"] }, task }, "is not host:port"],
    [{ cluster: { worker: ["grpc://a:80"] }, task }, "is not host:port"],
  ];
  for (const [config, message] of cases) {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    assertThrows(() => parseTfConfig(text), ClusterError, message);
    assertThrows(() => parseTfConfig(text), ClusterError, 'Set it to {"cluster"');
  }
});
