import { ClusterError } from "./cluster_error.ts";
import type { Member } from "./tf_config.ts";

/** Seconds between attempts to listen on an address that does not work yet. */
const AGAIN = 0.5;

/**
 * Listens on a member's own address. Its name may become known, and its port free, only a moment after
 * the process starts: it is tried for some time.
 *
 * @param seconds How long.
 * @throws {ClusterError} If it cannot.
 */
export async function listenOn(member: Member, seconds: number): Promise<Deno.TcpListener> {
  const { name, host, port, address } = member;
  const until = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return Deno.listen({ hostname: host, port });
    } catch (error) {
      if (performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, AGAIN * 1000));
        continue;
      }
      throw new ClusterError(
        `Cannot listen on ${address}, the address of ${name}, as the system refuses it: ` +
          `${(error as Error).message}. Give ${name} a free address of its own machine`,
        { cause: error },
      );
    }
  }
}
