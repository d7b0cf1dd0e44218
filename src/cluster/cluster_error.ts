/** Workers that cannot train together, or no longer can. */
export class ClusterError extends Error {
  override name = "ClusterError";
}
