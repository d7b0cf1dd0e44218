"""Keras's inference as a `tf.function`: `keras_inference.py SIZE`."""

import sys
import time

from contestant import serve

import keras
import tensorflow as tf
from network import films, network

PREDICTIONS = 5

size = int(sys.argv[1])
model = network(size, probabilities=True)
predict = tf.function(lambda images: model(images, training=False))
images, _ = films(1, size)


def sample():
    started = time.perf_counter()
    for _ in range(PREDICTIONS):
        predict(images).numpy()
    return (time.perf_counter() - started) * 1000 / PREDICTIONS


serve(sample, keras, tf)
