import { createHash } from "node:crypto";

/**
 * A DICOM unique identifier that depends on nothing but `name`: the root "2.25." (PS3.5, annex
 * B.2: a UUID as a decimal number) and the first 128 bits of the name's SHA-256.
 *
 * @param name What is identified, for example "phantom/1/train/7/series".
 * @returns At most 44 characters; the standard allows 64.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { deterministicUid } from "@/dicom/mod.ts";
 *
 * assertEquals(deterministicUid("a film"), "2.25.312770494808790650964228653443358009370");
 * ```
 */
export function deterministicUid(name: string): string {
  const digest = createHash("sha256").update(name).digest("hex");
  return `2.25.${BigInt(`0x${digest.slice(0, 32)}`)}`;
}
