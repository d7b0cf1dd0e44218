/** Something that cannot be part of a traced function was done inside one, or with what it made. */
export class TraceError extends Error {
  override name = "TraceError";
}

/** Numbers of traced tensors start here; those of eager tensors stay below. */
export const FIRST_TRACED_ID = 2 ** 52;

/** Whether a tensor number belongs to a trace, and so has no values. */
export function isTraced(id: number): boolean {
  return id >= FIRST_TRACED_ID;
}
