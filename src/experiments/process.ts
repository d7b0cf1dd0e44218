import { hostname } from "node:os";
import { kill } from "node:process";
import type { JobStart, ProcessIdentity, Run } from "./run.ts";

/** Hours without a sign of life after which a run on another machine is given up. */
const hoursUntilGivenUp = 24;

/** Ids of the runs that this process writes. */
export const ownRuns = new Set<string>();

/** This process. */
export function thisProcess(): ProcessIdentity {
  const boot = bootId();
  return { pid: Deno.pid, host: hostname(), boot, ticks: startTicks(Deno.pid), job: thisJob() };
}

/** The Slurm job of this process; a requeued one keeps its number (sbatch(1)). */
function thisJob(): JobStart | null {
  const number = Deno.env.get("SLURM_JOB_ID");
  if (!number) return null;
  const cluster = Deno.env.get("SLURM_CLUSTER_NAME") ?? "slurm";
  return {
    id: `${cluster}-${number}`,
    restarts: Number(Deno.env.get("SLURM_RESTART_COUNT") ?? 0),
  };
}

/**
 * Why the process that writes a running run's record must be gone, or undefined if it may live.
 *
 * @param run A run of status `running`.
 * @param now The time, in milliseconds since 1970.
 */
export function lostReason(run: Run, now: number = Date.now()): string | undefined {
  const { pid, host, boot, ticks, job } = run.process;
  const current = thisJob();
  // A scheduler starts a job again only once it has ended, maybe on another machine.
  if (job && job.id === current?.id && job.restarts < current.restarts) {
    return `the job ${job.id} was started again`;
  }
  if (host !== hostname()) {
    const hours = (now - Date.parse(run.updated)) / 3_600_000;
    if (hours < hoursUntilGivenUp) return undefined;
    return `no sign of life from ${host} for ${Math.floor(hours)} hours`;
  }
  const gone = "the process is gone";
  if (boot !== null && bootId() !== null && boot !== bootId()) return gone;
  if (!isAlive(pid)) return gone;
  // the number may have been given to another process since
  const ticksNow = startTicks(pid);
  if (ticks !== null && ticksNow !== null && ticks !== ticksNow) return gone;
  if (pid === Deno.pid && !ownRuns.has(run.id)) return "its process has given it up";
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

function bootId(): string | null {
  return readSystemFile("/proc/sys/kernel/random/boot_id")?.trim() ?? null;
}

/** Field 22 of `/proc/<pid>/stat` (proc(5)); field 2, in brackets, may hold spaces. */
function startTicks(pid: number): number | null {
  const stat = readSystemFile(`/proc/${pid}/stat`);
  const afterName = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return afterName?.[19] === undefined ? null : Number(afterName[19]);
}

function readSystemFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
