/** The variable that limits the threads of everything that computes. */
const THREADS_VARIABLE = "PNEUMOTHORAX_THREADS";

/** More would wait for the disk. */
const MOST_WORKERS = 8;
/** A worker takes as long to start as it needs for so many films. */
const FILMS_PER_WORKER = 24;

/**
 * The most threads that films may be prepared on: `PNEUMOTHORAX_THREADS`, or as many as there are.
 *
 * @throws {RangeError} If the variable is no positive whole number.
 */
export function threadLimit(text: string | undefined = Deno.env.get(THREADS_VARIABLE)): number {
  if (!text) return Infinity;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new RangeError(
    `Cannot prepare films as ${THREADS_VARIABLE} must be a positive whole number: ${text}`,
  );
}

/**
 * How many workers prepare films: one a core, and none where a film is made before a worker is there.
 *
 * @param films Films to prepare.
 * @param wanted Workers that are asked for, if any are; never more than films.
 */
export function workerCount(
  films: number,
  wanted?: number,
  cores: number = navigator.hardwareConcurrency,
  limit: number = threadLimit(),
): number {
  if (wanted !== undefined) return Math.min(wanted, films);
  const count = Math.min(cores, limit, MOST_WORKERS, Math.floor(films / FILMS_PER_WORKER));
  return count > 1 ? count : 0;
}
