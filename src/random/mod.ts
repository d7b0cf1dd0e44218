/** Seeded random numbers: the same seed and keys give the same draws on every machine. */
export { Random } from "./random.ts";
