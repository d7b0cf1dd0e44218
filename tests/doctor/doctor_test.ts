import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import {
  CHECKS,
  examine,
  type Finding,
  findingText,
  type Machine,
  type Status,
} from "@/doctor/mod.ts";
import { withFolder } from "../data/small_dataset.ts";

/** What is other than on a machine where everything is as it should be. */
interface Changes {
  machine?: Partial<Machine>;
  /** Commands without or with another answer; the key is what the command line starts with. */
  outputs?: Record<string, string | undefined>;
  variables?: Record<string, string>;
  /** Files below the project that are missing, or have another content. */
  files?: Record<string, string | undefined>;
}

const FILES: Record<string, string> = {
  ".venv/setup.json": "{}",
  ".venv/share/jupyter/kernels/deno/kernel.json": JSON.stringify({ argv: [Deno.execPath()] }),
  "data/phantom-clear/train-rle.csv": "",
  "data/phantom-clear/dicom-images-train/a/1.dcm": "",
  "data/phantom-clear/dicom-images-train/2.dcm": "",
};

const OUTPUTS: Record<string, string> = {
  "node --version": "v22.1.0",
  "PROJECT/.venv/bin/python --version": "Python 3.11.7",
  "PROJECT/.venv/bin/python -c": "4.6.6",
};

const NO_TENSORFLOW: Partial<Machine> = {
  findTensorFlow() {
    throw new Error("Cannot find it");
  },
};

async function examineWith(changes: Changes): Promise<Record<string, Finding>> {
  let findings: Finding[] = [];
  await withFolder(async (folder) => {
    for (const [name, content] of Object.entries({ ...FILES, ...changes.files })) {
      if (content === undefined) continue;
      await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
      await Deno.writeTextFile(join(folder, name), content);
    }
    const outputs = { ...OUTPUTS, ...changes.outputs };
    findings = await examine(CHECKS, {
      project: `${folder}/`,
      deno: { version: "2.9.6", path: "/bin/deno" },
      cores: 2,
      variable: (name) => changes.variables?.[name]?.replace("PROJECT", folder),
      output(command, args) {
        const line = [command.replace(folder, "PROJECT"), ...args].join(" ");
        const key = Object.keys(outputs).find((start) => line.startsWith(start));
        return Promise.resolve(key === undefined ? undefined : outputs[key]);
      },
      findTensorFlow: () => ({ path: "/tf.so", source: "project", version: "2.21.0" }),
      loadTensorFlow: () => Promise.resolve({ version: "2.21.0", devices: ["CPU"] }),
      findJpegLibrary: () => Promise.resolve({ path: "/libturbojpeg.so" }),
      freeBytes: () => Promise.resolve(50e9),
      memory: () => Promise.resolve({ total: 16e9, available: 8e9 }),
      ...changes.machine,
    });
  });
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]));
}

Deno.test("examine() finds nothing to mend where everything is there", async () => {
  const findings = Object.values(await examineWith({}));
  assertEquals(findings.map(({ name }) => name), CHECKS.map(({ name }) => name));
  for (const { name, status, mend } of findings) {
    assertEquals([name, status, mend], [name, "ok", undefined]);
  }
});

const NVIDIA = { "nvidia-smi": "NVIDIA H100, 81559 MiB, 550.1" };

const CASES: [what: string, Changes, name: string, Status, found: string, mend?: string][] = [
  [
    "an older Deno",
    { machine: { deno: { version: "2.4.0", path: "/d" } } },
    "Deno",
    "warn",
    "2.4.0",
    "npx",
  ],
  ["no Node", { outputs: { "node --version": undefined } }, "Node", "ok", "not needed"],
  [
    "no Python",
    { outputs: { "PROJECT/.venv/bin/python --version": undefined } },
    "Python",
    "warn",
    "no Python 3.10 to 3.13",
    "apt install",
  ],
  [
    "nothing at all",
    { machine: NO_TENSORFLOW, outputs: { "PROJECT/.venv/bin/python --version": undefined } },
    "Python",
    "fail",
    "no Python",
    "apt install",
  ],
  [
    "an old Python",
    {
      outputs: {
        "PROJECT/.venv/bin/python --version": undefined,
        "python3 --version": "Python 3.8.1",
      },
    },
    "Python",
    "warn",
    "python3 is 3.8.1",
  ],
  [
    "a second Python that fits",
    {
      outputs: {
        "PROJECT/.venv/bin/python --version": undefined,
        "python3 --version": "Python 3.14.0",
        "python3.12 --version": "Python 3.12.1",
      },
    },
    "Python",
    "ok",
    "3.12.1 (python3.12)",
  ],
  [
    "no setup",
    { files: { ".venv/setup.json": undefined } },
    "setup",
    "warn",
    "not done",
    "deno task setup",
  ],
  [
    "half a setup",
    { files: { ".venv/setup.unfinished": "" } },
    "setup",
    "fail",
    "interrupted",
    "deno task setup",
  ],
  ["no TensorFlow", { machine: NO_TENSORFLOW }, "TensorFlow", "fail", "none", "deno task setup"],
  [
    "a library that is named and not there",
    {
      machine: NO_TENSORFLOW,
      variables: { PNEUMOTHORAX_TENSORFLOW: "/no" },
    },
    "TensorFlow",
    "fail",
    "Cannot find it",
    "unset PNEUMOTHORAX_TENSORFLOW",
  ],
  [
    "a library that does not load",
    {
      machine: { loadTensorFlow: () => Promise.resolve({ problem: "GLIBC_2.40 not found" }) },
    },
    "TensorFlow",
    "fail",
    "GLIBC_2.40 not found",
    "deno task setup --force",
  ],
  [
    "a GPU that is used",
    {
      outputs: NVIDIA,
      machine: {
        loadTensorFlow: () => Promise.resolve({ version: "2.21.0", devices: ["CPU", "GPU"] }),
      },
    },
    "GPU",
    "ok",
    "NVIDIA H100 (81559 MiB, driver 550.1), used by TensorFlow",
  ],
  [
    "a GPU that is not used",
    { outputs: NVIDIA },
    "GPU",
    "warn",
    "does not use it",
    "setup --force",
  ],
  [
    "no libjpeg-turbo",
    { machine: { findJpegLibrary: () => Promise.resolve({ problem: "GLIBC_2.38 not found" }) } },
    "JPEG",
    "warn",
    "none of 12 bits: GLIBC_2.38 not found",
    "deno install",
  ],
  ["fewer threads", { variables: { PNEUMOTHORAX_THREADS: "1" } }, "threads", "ok", "1 of 2"],
  [
    "no number of threads",
    { variables: { PNEUMOTHORAX_THREADS: "all" } },
    "threads",
    "fail",
    "all",
    "unset",
  ],
  [
    "little memory",
    { machine: { memory: () => Promise.resolve({ total: 4e9, available: 2.04e9 }) } },
    "memory",
    "warn",
    "2.0 GB free of 4.0 GB",
    "training.batch",
  ],
  [
    "little room",
    { machine: { freeBytes: () => Promise.resolve(0.7e9) } },
    "disk",
    "warn",
    "0.7 GB",
    "free some",
  ],
  [
    "no room",
    { machine: { freeBytes: () => Promise.resolve(0.1e9) } },
    "disk",
    "fail",
    "0.5 GB are needed",
  ],
  [
    "no room for a setup",
    {
      machine: { freeBytes: () => Promise.resolve(2e9) },
      files: { ".venv/setup.json": undefined },
    },
    "disk",
    "fail",
    "3.0 GB are needed",
  ],
  [
    "no JupyterLab",
    { outputs: { "PROJECT/.venv/bin/python -c": undefined } },
    "JupyterLab",
    "warn",
    "none",
    "pip install jupyterlab",
  ],
  [
    "no kernel",
    { files: { ".venv/share/jupyter/kernels/deno/kernel.json": undefined } },
    "kernel",
    "warn",
    "not registered",
    "deno task setup",
  ],
  [
    "a kernel whose Deno is gone",
    {
      files: { ".venv/share/jupyter/kernels/deno/kernel.json": '{"argv":["/no/deno"]}' },
    },
    "kernel",
    "warn",
    "/no/deno",
    "deno task setup",
  ],
  [
    "a damaged kernel file",
    { files: { ".venv/share/jupyter/kernels/deno/kernel.json": "{" } },
    "kernel",
    "warn",
    "cannot be told",
  ],
  ["films", {}, "data set", "ok", "2 training films"],
  [
    "no films",
    { files: { "data/phantom-clear/train-rle.csv": undefined } },
    "data set",
    "warn",
    "none yet",
    "deno task phantom",
  ],
  [
    "a data set that is named and not whole",
    {
      variables: { PNEUMOTHORAX_DATA: "PROJECT/data/phantom-clear" },
      files: { "data/phantom-clear/train-rle.csv": undefined },
    },
    "data set",
    "fail",
    "no train-rle.csv: ",
    "unset PNEUMOTHORAX_DATA",
  ],
  [
    "runs",
    {
      files: {
        "experiments/runs/a/run.yaml": "id: a\nstatus: finished\n",
        "experiments/runs/b/run.yaml": "id: b\nstatus: interrupted\n",
      },
    },
    "runs",
    "ok",
    "1 finished, 1 not",
  ],
  [
    "weights",
    { files: { "data/weights/resnet34.safetensors": "" } },
    "weights",
    "ok",
    "resnet34.safetensors",
  ],
];
for (const [what, changes, name, status, found, mend] of CASES) {
  Deno.test(`examine() of a machine with ${what} says ${status}`, async () => {
    const finding = (await examineWith(changes))[name]!;
    assertEquals(finding.status, status, JSON.stringify(finding));
    assertStringIncludes(finding.found, found);
    if (mend !== undefined) assertStringIncludes(finding.mend ?? "", mend);
    assertEquals(status === "fail" && finding.mend === undefined, false, "how to mend it");
  });
}

Deno.test("findingText() is a line, and one more to mend it", () => {
  const finding: Finding = { name: "GPU", status: "ok", found: "none" };
  assertEquals(findingText(finding), "ok    GPU          none");
  const lines = findingText({ ...finding, status: "fail", mend: "buy one" }).split("\n");
  assertEquals(lines.length, 2);
  assert(lines[1]!.endsWith("-> buy one"));
});
