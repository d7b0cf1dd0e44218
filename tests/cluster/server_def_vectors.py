"""Prints server_def_vectors.json: bytes of ServerDef as TensorFlow's own Python classes write them.

Run by hand: python tests/cluster/server_def_vectors.py > tests/cluster/server_def_vectors.json
"""

import json

from tensorflow.core.protobuf.tensorflow_server_pb2 import ServerDef


def server(addresses, index):
    message = ServerDef(job_name="worker", task_index=index, protocol="grpc")
    job = message.cluster.job.add(name="worker")
    for i, address in enumerate(addresses):
        job.tasks[i] = address
    leader = "/job:worker/replica:0/task:0"
    message.default_session_config.experimental.collective_group_leader = leader
    return {"addresses": addresses, "index": index, "bytes": list(message.SerializeToString(deterministic=True))}


CLUSTERS = [["10.0.0.1:2222", "10.0.0.2:2222"], ["[::1]:1", "host.example:65535", "c:300"]]
CLUSTERS += [[f"worker-{i}.train.svc.cluster.local:2222" for i in range(20)]]
print(json.dumps([server(hosts, i) for hosts in CLUSTERS for i in range(min(len(hosts), 3))]))
