"""Keras's training step: `keras_step.py SIZE BATCH steps|first|memory [float32|mixed_float16]`."""

import sys
import time

from contestant import peak_memory, serve

import keras
import tensorflow as tf
from network import films, network, training_step

STEPS = {"steps": 3, "first": 1, "memory": 10}

size, batch, measure = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
policy = sys.argv[4] if len(sys.argv) > 4 else "float32"
keras.mixed_precision.set_global_policy(policy)
step = training_step(network(size), policy)
images, masks = films(batch, size)


def sample():
    started = time.perf_counter()
    for _ in range(STEPS[measure]):
        step(images, masks).numpy()
    milliseconds = (time.perf_counter() - started) * 1000 / STEPS[measure]
    return peak_memory() if measure == "memory" else milliseconds


serve(sample, keras, tf)
