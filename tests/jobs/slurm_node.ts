import { hostname, userInfo } from "node:os";
import { join } from "node:path";

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch"];

/** What of Slurm is not installed here. */
export function missingSlurm(): string[] {
  if (Deno.build.os !== "linux") return PROGRAMS;
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin"];
  return PROGRAMS.filter((name) => !folders.some((folder) => exists(join(folder, name))));
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** What Slurm says of a job. */
export interface SlurmJob {
  state: string;
  restarts: number;
}

/** A Slurm of one node, this machine, which listens on the loopback interface alone; for one test file. */
export class SlurmNode {
  private constructor(readonly folder: string) {}

  static async start(): Promise<SlurmNode> {
    const folder = await Deno.makeTempDir({ prefix: "slurm-" });
    await Deno.chmod(folder, 0o755); // munge wants it
    const node = new SlurmNode(folder);
    for (const name of ["state", "spool"]) await Deno.mkdir(join(folder, name));
    const key = crypto.getRandomValues(new Uint8Array(1024));
    await Deno.writeFile(join(folder, "munge.key"), key, { mode: 0o400 });
    await Deno.writeTextFile(join(folder, "slurm.conf"), configuration(folder));
    const file = (name: string) => join(folder, name);
    await node.run("munged", [
      "--force",
      `--key-file=${file("munge.key")}`,
      `--socket=${file("munge.sock")}`,
      `--pid-file=${file("munged.pid")}`,
      `--log-file=${file("munged.log")}`,
      `--seed-file=${file("munge.seed")}`,
    ]);
    await node.run("slurmctld", ["-c"]);
    await node.run("slurmd", []);
    for (let i = 0; i < 100; i++) {
      if ((await node.run("sinfo", ["--noheader", "--format=%T"])).includes("idle")) return node;
      await sleep(100);
    }
    await node[Symbol.asyncDispose]();
    throw new Error("Slurm's node did not come up");
  }

  /** Runs a command of Slurm and returns what it prints. */
  async run(command: string, args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
      env: this.environment,
      stdin: "null",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (!success) throw new Error(`${command} ${args.join(" ")}: ${text(stderr)}`);
    return text(stdout).trim();
  }

  /** What a process needs to use this Slurm. */
  get environment(): Record<string, string> {
    const path = `${Deno.env.get("PATH")}:/usr/sbin`;
    return { PATH: path, SLURM_CONF: join(this.folder, "slurm.conf") };
  }

  /** Submits a script and returns the job's number. */
  async submit(script: string): Promise<string> {
    const path = join(this.folder, "job.sbatch");
    await Deno.writeTextFile(path, script);
    return await this.run("sbatch", ["--parsable", path]);
  }

  async job(id: string): Promise<SlurmJob> {
    const text = await this.run("scontrol", ["--oneliner", "show", "job", id]);
    const field = (name: string) => new RegExp(`\\b${name}=(\\S+)`).exec(text)?.[1] ?? "";
    return { state: field("JobState"), restarts: Number(field("Restarts")) };
  }

  /** Waits until no job runs or waits. */
  async idle(seconds: number): Promise<void> {
    for (let i = 0; i < 5 * seconds; i++) {
      if (await this.run("squeue", ["--noheader"]) === "") return;
      await sleep(200);
    }
    throw new Error(`Slurm still has jobs after ${seconds} s`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of ["slurmd", "slurmctld", "munged"]) {
      const pid = Number(await Deno.readTextFile(join(this.folder, `${name}.pid`)).catch(() => ""));
      if (!(pid > 1)) continue;
      try {
        Deno.kill(pid, "SIGTERM");
        for (let i = 0; i < 50 && exists(`/proc/${pid}/status`); i++) await sleep(100);
      } catch {
        // it has ended
      }
    }
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Waits for something that a job does. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 150; i++) {
    if (await holds()) return;
    await sleep(100);
  }
  throw new Error(`Waited in vain for ${what}`);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function configuration(folder: string): string {
  const host = hostname().split(".")[0];
  const user = userInfo().username;
  const port = 26_000 + Deno.pid % 1000 * 2;
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${port}
SlurmdPort=${port + 1}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.sock
SlurmUser=${user}
SlurmdUser=${user}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
NodeName=${host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP
`;
}
