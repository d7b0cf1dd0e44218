import { PbfWriter } from "pbf";
import type { ClusterSpec } from "./tf_config.ts";

/**
 * The bytes of a `ServerDef` (tensorflow/core/protobuf/tensorflow_server.proto, cluster.proto,
 * config.proto) that makes a process a worker of TensorFlow's collectives. All members are tasks of one
 * job, "worker"; the first of them leads the group.
 */
export function serverDef({ members, index }: ClusterSpec): Uint8Array<ArrayBuffer> {
  const CLUSTER = 1, JOB_NAME = 2, TASK_INDEX = 3, SESSION_CONFIG = 4, PROTOCOL = 5;
  const JOB = 1, NAME = 1, TASKS = 2, KEY = 1, VALUE = 2;
  const EXPERIMENTAL = 16, GROUP_LEADER = 1;
  const writer = new PbfWriter();
  writer.writeMessage(CLUSTER, (_, cluster) => {
    cluster.writeMessage(JOB, (_, job) => {
      job.writeStringField(NAME, "worker");
      for (const [i, { address }] of members.entries()) {
        job.writeMessage(TASKS, (_, task) => {
          task.writeVarintField(KEY, i);
          task.writeStringField(VALUE, address);
        }, null);
      }
    }, null);
  }, null);
  writer.writeStringField(JOB_NAME, "worker");
  writer.writeVarintField(TASK_INDEX, index);
  writer.writeMessage(SESSION_CONFIG, (_, config) => {
    config.writeMessage(EXPERIMENTAL, (_, experimental) => {
      experimental.writeStringField(GROUP_LEADER, "/job:worker/replica:0/task:0");
    }, null);
  }, null);
  writer.writeStringField(PROTOCOL, "grpc");
  return new Uint8Array(writer.finish());
}
