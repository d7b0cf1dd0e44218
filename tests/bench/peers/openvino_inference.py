"""OpenVINO's inference on the CPU: `openvino_inference.py SIZE float32|bfloat16`."""

import os
import sys
import tempfile
import time

from contestant import refuse, serve

import openvino as ov
from network import films, network

PREDICTIONS = 5

size, precision = int(sys.argv[1]), sys.argv[2]
hint = {"float32": ov.Type.f32, "bfloat16": ov.Type.bf16}[precision]
core = ov.Core()
if precision == "bfloat16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
    refuse("OpenVINO finds no bfloat16 in this CPU")
with tempfile.TemporaryDirectory() as folder:
    saved = os.path.join(folder, "model")
    network(size, probabilities=True).export(saved, verbose=False)
    converted = ov.convert_model(saved)
converted.reshape([1, size, size, 1])
compiled = core.compile_model(
    converted, "CPU", {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
)
images = films(1, size)[0].numpy()


def sample():
    started = time.perf_counter()
    for _ in range(PREDICTIONS):
        compiled(images)
    return (time.perf_counter() - started) * 1000 / PREDICTIONS


serve(sample, ov)
