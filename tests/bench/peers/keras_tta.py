"""Keras and OpenCV from a film to a mask: `keras_tta.py SIZE FULL_SIZE MINIMUM_AREA`."""

import sys
import time

from contestant import serve

import cv2
import keras
import numpy as np
import tensorflow as tf
from network import films, network

PREDICTIONS = 3

size, full_size, minimum_area = map(int, sys.argv[1:4])
model = network(size, probabilities=True)
images, _ = films(1, size)


@tf.function
def predict(images):
    plain = model(images, training=False)
    mirrored = model(tf.reverse(images, [2]), training=False)
    return (plain + tf.reverse(mirrored, [2])) / 2


def mask():
    probabilities = predict(images).numpy()[0, :, :, 0]
    probabilities = cv2.resize(probabilities, (full_size, full_size), interpolation=cv2.INTER_LINEAR)
    positive = (probabilities > 0.5).astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(positive, connectivity=8)
    kept = statistics[:, cv2.CC_STAT_AREA] >= minimum_area
    kept[0] = False
    return kept[labels].astype(np.uint8)


def sample():
    started = time.perf_counter()
    for _ in range(PREDICTIONS):
        mask()
    return (time.perf_counter() - started) * 1000 / PREDICTIONS


serve(sample, keras, tf, cv2)
