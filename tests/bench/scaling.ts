import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "@/files/mod.ts";
import { lines, renderPng } from "@/plots/mod.ts";
import { describeMachine, tensorflowDevices } from "./machine.ts";
import type { WorkerTimes } from "./ours/worker.ts";
import { efficiency, fitCosts, type Link, LOOPBACK, reduceTime } from "./scaling_model.ts";
import { median } from "./statistics.ts";
import { type Network, runWorkers } from "./workers_network.ts";

const HELP =
  `Measures what several workers on this machine need to reduce their gradients, and models more.

Usage: deno run -A tests/bench/scaling.ts [NETWORK ...] [--note TEXT]

  deno run -A tests/bench/scaling.ts             all of them, in about 8 minutes on two cores
  deno run -A tests/bench/scaling.ts 2@1000      two workers, links of 1,000 Mbit/s; the others stay
                                                 as they were measured last
  deno run -A tests/bench/scaling.ts none        writes the report anew
  --note TEXT                                    stands beside what is measured now

Run it while nothing else runs. Writes scaling.json, scaling.md and scaling.png beside it. Links of
limited speed are made of network namespaces (Linux, unshare, ip and tc).`;

/** The report's network: B4, one film of 256 px a worker. */
const SIZE = 256, BATCH = 1, STEPS = 8;

const NETWORKS: Record<string, Network & { reduceOnly?: boolean }> = {
  "2@loopback": { workers: 2 },
  "2@1000": { workers: 2, mbit: 1000 },
  "2@200": { workers: 2, mbit: 200 },
  "4@loopback": { workers: 4, reduceOnly: true },
  "4@1000": { workers: 4, mbit: 1000, reduceOnly: true },
  "4@200": { workers: 4, mbit: 200, reduceOnly: true },
};

interface Measured {
  machine: Awaited<ReturnType<typeof describeMachine>>;
  networks: Record<string, WorkerTimes & { note?: string }>;
}

/**
 * Milliseconds a film on a T4 at 768 px: the published report's 42.4 minutes an epoch, over the training
 * films of its split (85 % of 12,047). It holds reading, augmentation and validation too.
 */
const T4_FILM = 42.4 * 60_000 / (0.85 * 12_047);
const LATENCY = 0.05;

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { note: { type: "string" }, help: { type: "boolean", short: "h", default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const unknown = positionals.find((name) => name !== "none" && !(name in NETWORKS));
  if (unknown !== undefined) {
    console.error(
      `Cannot measure ${unknown} as it is none of: ${Object.keys(NETWORKS).join(", ")}`,
    );
    return 2;
  }
  const before = await Deno.readTextFile(file("scaling.json")).then(JSON.parse, () => undefined);
  const measured: Measured = {
    machine: await describeMachine(await tensorflowDevices()),
    networks: before?.networks ?? {},
  };
  const names = positionals.length > 0 ? positionals : Object.keys(NETWORKS);
  for (const name of names.filter((name) => name !== "none")) {
    console.error(`${name} ...`);
    const { reduceOnly, ...network } = NETWORKS[name]!;
    const numbers = [SIZE, BATCH, STEPS].map(String);
    const times = await runWorkers(network, [...numbers, ...(reduceOnly ? ["reduce"] : [])]);
    measured.networks[name] = { ...times, ...(values.note && { note: values.note }) };
    await writeFileAtomic(file("scaling.json"), JSON.stringify(measured, null, 2) + "\n");
  }
  if (!measured.networks["2@loopback"]) {
    console.error("Cannot write the report as 2@loopback is not measured yet");
    return 1;
  }
  await writeReport(measured);
  return 0;
}

async function writeReport({ machine, networks }: Measured): Promise<void> {
  const first = networks["2@loopback"]!;
  const bytes = 4 * first.parameters;
  const costs = fitCosts({
    bytes,
    packs: first.packs,
    reduce: median(first.reduce),
    smallest: median(first.smallest),
  });
  const alone = median(first.alone);
  const scenarios: { name: string; compute: number; link: Link }[] = [
    { name: "T4, 24 films, 10 Gbit/s", compute: 24 * T4_FILM, link: net(10_000) },
    { name: "T4, 2 films, 10 Gbit/s", compute: 2 * T4_FILM, link: net(10_000) },
    { name: "T4, 2 films, 1 Gbit/s", compute: 2 * T4_FILM, link: net(1000) },
    { name: "CPU core, 1 film, 1 Gbit/s", compute: alone, link: net(1000) },
  ];
  const counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
  const chart = lines(
    scenarios.flatMap(({ name, compute, link }) =>
      counts.map((n) => ({ x: n, y: 100 * efficiency(n, compute, costs, link), series: name }))
    ),
    {
      title: "Accumulated gradients keep many workers busy",
      subtitle:
        "Modelled from two processes on one machine; films of a worker from one reduction to the next",
      x: "workers",
      y: "% of that many times one worker's speed",
      doublingX: true,
      fromZero: true,
      width: 520,
    },
  );
  await writeFileAtomic(file("scaling.png"), await renderPng(chart));
  const milliseconds = (value: number) => value < 10 ? value.toFixed(2) : value.toFixed(0);
  const measuredRows = Object.entries(NETWORKS).flatMap(([name, { workers, mbit }]) => {
    const times = networks[name];
    if (!times) return [];
    const link = mbit === undefined ? LOOPBACK : { mbit, latency: 0 };
    const text = (samples: number[] = []) =>
      samples.length > 0 ? milliseconds(median(samples)) : "";
    // the loopback interface carries what all workers send
    const sent = times.sent / (mbit === undefined ? workers : 1) / 1e6;
    return [[
      `${workers}`,
      mbit === undefined ? "loopback" : `${mbit} Mbit/s`,
      text(times.alone),
      text(times.reduce),
      text(times.together),
      text(times.onePack),
      text(times.synchronised),
      milliseconds(reduceTime(workers, costs, link)),
      milliseconds(median(times.smallest)),
      sent.toFixed(1),
      (2 * (workers - 1) / workers * bytes / 1e6).toFixed(1),
      times.note ?? "",
    ]];
  });
  const modelled = scenarios.map(({ name, compute, link }) => [
    name,
    milliseconds(compute),
    ...[8, 64, 512].flatMap((n) => [
      milliseconds(reduceTime(n, costs, link)),
      `${(100 * efficiency(n, compute, costs, link)).toFixed(0)} %`,
    ]),
  ]);
  const hidden = Object.entries(NETWORKS).flatMap(([name, { workers, mbit }]) => {
    const { alone = [], together = [], reduce = [] } = networks[name] ?? {};
    if (together.length === 0) return [];
    const saved = median(alone) + median(reduce) - median(together);
    const network = mbit === undefined ? "the loopback interface" : `${mbit} Mbit/s`;
    return [`${saved.toFixed(0)} ms with ${workers} workers on ${network}`];
  }).join(", ");
  const normalised = Object.values(networks).find((each) => each.normalised)?.normalised ?? NaN;
  /** Milliseconds of the small reductions of a batch where BatchNorm is synchronised. */
  const synchronisation = (n: number) =>
    2 * normalised * reduceTime(n, { ...costs, bytes: 0, packs: 1 }, net(1000));
  const text = `# Scaling to many workers

\`deno run -A tests/bench/scaling.ts\` measures the first table on one machine and models the second.

${machine.processor}, ${machine.cores} cores, commit ${machine.commit}. Each worker has one thread.
The network is the report's (EfficientNet-B4, simplified U-Net++): ${
    first.parameters.toLocaleString("en")
  }
numbers, ${
    (bytes / 1e6).toFixed(1)
  } MB of gradients in ${first.packs} packs. A step is one film of ${SIZE} px with Adam, without
augmentation. All times are medians of ${STEPS} samples in milliseconds, from when all workers begin until the
last is done; the five things in a row are measured in turn.

## Measured

${
    table([
      [
        "workers",
        "network",
        "step alone",
        "reduction alone",
        "step together",
        "in one pack",
        "with synchronised BatchNorm",
        "reduction modelled",
        "of one number",
        "MB sent by each",
        "ring's bound",
        "",
      ],
      ...measuredRows,
    ])
  }

- "step alone": all workers at once, each by itself; "step together": with the reduction of gradients,
  BatchNorm statistics, loss and counts within the same TensorFlow function (\`training.batchNorm: per-worker\`).
- Overlap: the last layers' pack could be sent while the backward pass goes on. "in one pack" is the same step with
  all gradients in one, which has to wait for the first layer's. Of the time that a step and a reduction take one
  after the other, a step together saves ${hidden}. That is next to nothing: a reduction adds its whole time to a
  step. Why is not known. (In a trial at 200 Mbit/s the packs in the other order, the first layers' first, made no
  difference either: 2708 ms instead of 2724, where a step and a reduction alone took 585 and 2071.)
- BatchNorm that is synchronised, the default, needs two more small reductions for each of the network's
  ${normalised} BatchNorm layers, which wait for one another: at n workers \`2 * 2 (n - 1)\` messages a layer. Modelled:
  ${
    [8, 64].map((n) => `${(synchronisation(n) / 1000).toFixed(1)} s a batch at ${n} workers`).join(
      ", ",
    )
  }. Beyond a few workers, use \`per-worker\`.
- Networks of limited speed are network namespaces on this machine, a token bucket (\`tc tbf\`) on both ends
  of each worker's link. This kernel has no \`netem\`: latency was not measured, only modelled.
- Four workers share ${machine.cores} cores, so their time on a fast network is that of the processor.

## Modelled

![Efficiency over the number of workers](scaling.png)

${
    table([
      [
        "",
        "ms of work an update",
        ...[8, 64, 512].flatMap((n) => [`reduction, ${n} workers`, "efficiency"]),
      ],
      ...modelled,
    ])
  }

A ring of n workers sends \`2 (n - 1) / n\` of the bytes in \`2 (n - 1)\` messages one after the other, for each
pack (Patarasuk and Yuan 2009). From two workers on the loopback interface: ${
    (costs.perByte * 1e6).toFixed(2)
  } ms for each MB sent
(copying, adding, gRPC) and ${costs.hop.toFixed(2)} ms for each message. Assumed, not measured:

- each worker has a link of its own at full speed, with ${LATENCY} ms of latency, and none is slower than others;
- nothing of the reduction is hidden behind the backward pass, packs go one after the other, and BatchNorm is
  \`per-worker\`;
- the messages between hundreds of machines take as long as those between two processes here;
- a T4 takes ${
    T4_FILM.toFixed(0)
  } ms a film at 768 px: the published report's 42.4 minutes an epoch over 10,240 films. That
  time holds reading and validation, so that a T4's own step is shorter and scales less well;
- a worker's share of the batch stays the same, so the joint batch grows with the workers. What that does to
  learning is not modelled. On GPUs the reduction goes through NCCL, which was not measured either.
`;
  await writeFileAtomic(file("scaling.md"), text);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", file("scaling.md")] })
    .output();
}

function net(mbit: number): Link {
  return { mbit, latency: LATENCY };
}

function table([header, ...rows]: string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header!), line(header!.map(() => "---")), ...rows.map(line)].join("\n");
}

if (import.meta.main) Deno.exit(await main(Deno.args));
