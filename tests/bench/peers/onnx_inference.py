"""ONNX Runtime's inference on the CPU: `onnx_inference.py SIZE`."""

import os
import sys
import tempfile
import time

from contestant import refuse, serve

import numpy as np
import onnxruntime
from network import films, network

PREDICTIONS = 5

size = int(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.onnx")
    try:
        network(size, probabilities=True).export(path, format="onnx", verbose=False)
    except Exception as error:
        refuse(f"tf2onnx does not export this network: {error}")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
feed = {session.get_inputs()[0].name: np.asarray(films(1, size)[0])}


def sample():
    started = time.perf_counter()
    for _ in range(PREDICTIONS):
        session.run(None, feed)
    return (time.perf_counter() - started) * 1000 / PREDICTIONS


serve(sample, onnxruntime)
