/** Many processes that train one model: who they are, how they find one another, and what if one is lost. */
export { Cluster, type ClusterOptions, joinCluster } from "./cluster.ts";
export { ClusterError } from "./cluster_error.ts";
export { type LaunchOptions, launchWorkers } from "./launch.ts";
export { serverDef } from "./server_def.ts";
export { CLUSTER_VARIABLE, type ClusterSpec, type Member, parseTfConfig } from "./tf_config.ts";
export { type GpuPlaces, workerGpus } from "./worker_gpus.ts";
