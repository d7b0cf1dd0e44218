"""ONNX Runtime's inference on the CPU: `onnx_inference.py SIZE`."""

import os
import sys
import time

from contestant import refuse, serve

import keras
import numpy as np
import onnxruntime
from network import films, network

PREDICTIONS = 5

size = int(sys.argv[1])
images = films(1, size)[0]
# The export takes minutes, so its file is kept; what the weights are does not matter.
CACHE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "data", "bench")
path = os.path.join(CACHE, f"network-{size}-keras-{keras.__version__}.onnx")
if not os.path.exists(path):
    os.makedirs(CACHE, exist_ok=True)
    model = network(size, probabilities=True)
    model(images)  # the exporter wants a model that has been called
    partial = path + ".partial"
    try:
        model.export(partial, format="onnx", verbose=False)
    except Exception as error:
        refuse(f"tf2onnx does not export this network: {error}")
    os.replace(partial, path)
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
feed = {session.get_inputs()[0].name: np.asarray(images)}


def sample():
    started = time.perf_counter()
    for _ in range(PREDICTIONS):
        session.run(None, feed)
    return (time.perf_counter() - started) * 1000 / PREDICTIONS


serve(sample, onnxruntime)
