import { createHmac } from "node:crypto";

/**
 * Random in each process and never written anywhere, so that nobody can try out whose hash it is. Folds
 * need to know which films are of one patient, not which patient that is: they are the same whatever
 * the salt.
 */
const SALT = crypto.getRandomValues(new Uint8Array(32));

/** A salted hash of a PatientID: the same for the same patient within a process, and only there. */
export function patientKey(patientId: string): string {
  return createHmac("sha256", SALT).update(patientId).digest("hex").slice(0, 24);
}
