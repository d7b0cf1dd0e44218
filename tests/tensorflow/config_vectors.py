"""Prints config_vectors.json: bytes of ConfigProto as TensorFlow's own Python classes write them.

Run by hand: python tests/tensorflow/config_vectors.py > tests/tensorflow/config_vectors.json
"""

import json

from tensorflow.core.protobuf.config_pb2 import ConfigProto


def config(threads=None, optimizers=()):
    message = ConfigProto()
    message.gpu_options.allow_growth = True
    message.experimental.disable_thread_spinning = True
    if threads:
        message.intra_op_parallelism_threads = threads
        message.inter_op_parallelism_threads = threads
    message.graph_options.rewrite_options.optimizers.extend(optimizers)
    if not optimizers:
        message.ClearField("graph_options")
    return list(message.SerializeToString(deterministic=True))


BFLOAT16 = ["auto_mixed_precision_onednn_bfloat16"]
FLOAT16 = ["auto_mixed_precision", "auto_mixed_precision_cpu"]
OPTIONS = [{}, {"threads": 1}, {"threads": 300}, {"optimizers": BFLOAT16}]
OPTIONS += [{"optimizers": FLOAT16}, {"threads": 2, "optimizers": FLOAT16}]
print(json.dumps([{"options": options, "bytes": config(**options)} for options in OPTIONS]))
