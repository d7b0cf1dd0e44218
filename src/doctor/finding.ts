import type { Machine } from "./machine.ts";

/** `ok`: as it should be. `warn`: something does not work, the rest does. `fail`: nothing trains. */
export type Status = "ok" | "warn" | "fail";

/** What one check says. */
export interface Finding {
  /** What was looked at. */
  name: string;
  status: Status;
  /** What is there, or what is wrong. */
  found: string;
  /** What to do, where the status is not `ok`. */
  mend?: string;
}

/** Looks at one thing; `name` is added by {@link examine}. */
export interface Check {
  name: string;
  look(machine: Machine): Omit<Finding, "name"> | Promise<Omit<Finding, "name">>;
}

/** Makes all checks, side by side; one that breaks is a finding too. */
export async function examine(checks: readonly Check[], machine: Machine): Promise<Finding[]> {
  return await Promise.all(checks.map(async ({ name, look }) => {
    try {
      return { name, ...await look(machine) };
    } catch (error) {
      const found = `cannot be told: ${error instanceof Error ? error.message : error}`;
      return { name, status: "warn" as const, found };
    }
  }));
}

/** A line of a finding, and one below it that tells what to do. */
export function findingText({ name, status, found, mend }: Finding): string {
  const line = `${status.padEnd(4)}  ${name.padEnd(11)}  ${found}`;
  return mend === undefined ? line : `${line}\n${" ".repeat(19)}-> ${mend}`;
}
