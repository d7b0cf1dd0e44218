import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { main } from "@/cli/train.ts";
import { withFolder } from "../data/small_dataset.ts";
import { captured } from "./console.ts";
import { withRuns } from "./with_runs.ts";

const train = (...args: string[]) => captured(() => main(args));
const STAGE = "phantom/1-128";
const KUBERNETES = ["--on", "kubernetes", "--image", "x", "--claim", "y"];

const CALLS: [args: string[], code: number, ...messages: string[]][] = [
  [[STAGE, "--folds", "1"], 2, "--folds must be a whole number >= 2: 1"],
  [[STAGE, "--folds", "x"], 2, "--folds must be a whole number >= 2: x"],
  [[STAGE, "--folds", "200"], 1, "from 2 to 100"],
  [[STAGE, "--on", "pbs"], 2, "--on must be slurm or kubernetes: pbs"],
  [[STAGE, "--submit"], 2, "--submit without --on slurm or --on kubernetes"],
  [[STAGE, "--cpus", "2"], 2, "--cpus without --on slurm or --on kubernetes"],
  [[...KUBERNETES, STAGE, "--sbatch=--time=1"], 2, "--sbatch without --on slurm"],
  [[STAGE, "--on", "slurm", "--image", "x"], 2, "--image without --on kubernetes"],
  [[STAGE, "--on", "kubernetes", "--image", "x"], 2, "without --image and --claim"],
  [[STAGE, "--on", "slurm", "--gpus", "0"], 2, "--gpus must be a whole number >= 1: 0"],
  [[STAGE, "--sweep", "no.yaml"], 1, "no.yaml", "there is no such file"],
  [["phantom/1-129", "--folds", "2"], 1, 'did you mean "phantom/1-128"?'],
  [[STAGE, "--folds", "2", "--set", "data.size=65"], 1, "--set data.size=65"],
  [["--folds", "2"], 2, "no experiment is named"],
  // It would be submitted.
  [[STAGE, "--on", "slurm", "--submit", "--dry-run"], 2, "Cannot make jobs with --dry-run"],
  [[STAGE, "--folds", "2", "--previous"], 2, "Cannot make jobs with --previous"],
  [[STAGE, "--on", "slurm", "--submit", "--status"], 2, "--submit with --status"],
  [[STAGE, "--on", "slurm", "--write", "x", "--status"], 2, "--write with --status"],
];
for (const [args, code, ...messages] of CALLS) {
  Deno.test(`train ${args.join(" ")} ends with ${code} and says what to do`, async () => {
    const printed = await train(...args);
    assertEquals(printed.code, code, printed.error);
    for (const message of messages) assertStringIncludes(printed.error, message);
    assert(!/^\s+at /m.test(printed.error), "no stack trace");
  });
}

Deno.test("train --folds prints one command a fold, as a shell reads it", async () => {
  const { code, out } = await train(
    ...[STAGE, "phantom/2-192", "--folds", "3", "--workers", "2"],
    ...["--data", "/a b", "--set", "training.batch=4"],
    ...["--worker-timeout", "90", "--start-timeout", "900"],
  );
  assertEquals(code, 0);
  const lines = out.split("\n");
  assertEquals(lines.length, 3);
  for (const [fold, line] of lines.entries()) {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `deno() { printf '%s\\n' "$@"; }\n${line}`],
    }).output();
    assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), [
      ...["task", "train", STAGE, "phantom/2-192", "--data", "/a b"],
      ...["--set", "training.batch=4"],
      ...["--set", `data.split={ kind: folds, folds: 3, fold: ${fold} }`],
      ...["--worker-timeout", "90", "--start-timeout", "900"],
      ...["--unfinished", "--workers", "2"],
    ]);
  }
});

Deno.test("train --write writes one file, for each scheduler", () =>
  withRuns((folder) =>
    withFolder(async (other) => {
      await Deno.writeTextFile(join(other, "sweep.yaml"), "seed: [1, 2]\n");
      const sweep = ["--sweep", join(other, "sweep.yaml"), "--write", folder];
      const slurm = await train(STAGE, ...sweep, "--on", "slurm");
      assertEquals([slurm.code, slurm.error], [0, ""]);
      const script = await Deno.readTextFile(join(folder, "phantom-1-128-sweep.sbatch"));
      assertStringIncludes(script, "#SBATCH --array=0-1\n");
      assertStringIncludes(script, `Made by: deno task train ${STAGE} --sweep `);
      await train(STAGE, ...sweep, ...KUBERNETES);
      const manifest = await Deno.readTextFile(join(folder, "phantom-1-128-sweep.yaml"));
      assertStringIncludes(manifest, "\n  completions: 2\n");
    })
  ));

Deno.test("train --on hands the workers' timeouts on", () =>
  withRuns(async () => {
    const timeouts = ["--worker-timeout", "90", "--start-timeout", "900"];
    const slurm = await train(STAGE, "--on", "slurm", "--workers", "2", ...timeouts);
    assertStringIncludes(slurm.out, `${STAGE} ${timeouts.join(" ")} --unfinished)`);
    const kubernetes = await train(STAGE, ...KUBERNETES, "--workers", "2", ...timeouts);
    const lines = timeouts.map((word) => /^\d/.test(word) ? `"${word}"` : word);
    assertStringIncludes(kubernetes.out, lines.map((word) => `- ${word}\n`).join(" ".repeat(16)));
  }));

Deno.test("train --on keeps a value of several lines out of what runs", () =>
  withRuns(async () => {
    const setting = ["--set", 'description="a\n\n  it"'];
    const { out } = await train(STAGE, "--on", "slurm", ...setting);
    const end = out.indexOf("\nset -u");
    const head = out.slice(0, end).split("\n");
    assertEquals(head.filter((line) => !line.startsWith("#")), []);
    const check = new Deno.Command("bash", { args: ["-n"], stdin: "piped", stderr: "null" })
      .spawn();
    await new Blob([out]).stream().pipeTo(check.stdin);
    assert((await check.status).success, out);
    const manifest = (await train(STAGE, ...KUBERNETES, ...setting)).out;
    const [top] = manifest.split("apiVersion:");
    assertEquals(top!.trimEnd().split("\n").filter((line) => !line.startsWith("#")), []);
  }));

Deno.test("train --status lists each run, and those that have not begun", () =>
  withRuns(async () => {
    const { code, out } = await train(STAGE, "--folds", "2", "--status");
    assertEquals(code, 0);
    assertEquals(out.split("\n").slice(1).map((line) => line.trim()), [
      "fold=0  not begun",
      "fold=1  not begun",
      "2 of 2 are not finished",
    ]);
  }));

/** Submits to the sbatch of a folder. */
async function submitIn(path: string, ...args: string[]) {
  const before = Deno.env.get("PATH")!;
  Deno.env.set("PATH", path);
  try {
    return await train(STAGE, "--on", "slurm", "--submit", ...args);
  } finally {
    Deno.env.set("PATH", before);
  }
}

Deno.test("train --submit says so where there is no sbatch", () =>
  withRuns(async () => {
    const { code, error } = await submitIn("/nonexistent", "--folds", "2");
    assertEquals(code, 1);
    assertStringIncludes(error, "no command sbatch here. Write the file with --write DIR");
  }));

Deno.test("train --submit says so where sbatch ends before it has read all", () =>
  withRuns(async (folder) => {
    const sbatch = join(folder, "sbatch");
    await Deno.writeTextFile(sbatch, "#!/bin/sh\nexit 7\n", { mode: 0o755 });
    // More than a pipe holds.
    const { code, error } = await submitIn(folder, "--set", `description=${"x".repeat(200_000)}`);
    assertEquals([code, error], [1, "Cannot submit as sbatch ends with 7"]);
  }));
