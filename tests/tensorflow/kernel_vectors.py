"""Prints kernel_vectors.json: numbers of TensorFlow that the tests of the kernels compare with.

Run by hand: python tests/tensorflow/kernel_vectors.py > tests/tensorflow/kernel_vectors.json
Inputs are waves, sin(step i + start), as in assert_close.ts.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf


def wave(shape, step, start):
    values = np.sin(step * np.arange(np.prod(shape)) + start)
    return tf.constant(values.reshape(shape).astype("float32"))


vectors = {}


def keep(name, tensor):
    vectors[name] = [round(float(value), 6) for value in tf.reshape(tensor, [-1])]


x = wave([1, 4, 4, 2], 0.37, 0.2)
kernel = wave([3, 3, 2, 2], 0.91, 0.1)
depthwise = wave([3, 3, 2, 1], 0.91, 0.1)
small = wave([1, 2, 2, 2], 0.37, 0.2)
keep("conv2d", tf.nn.conv2d(x, kernel, 1, "SAME"))
keep("conv2d stride 2", tf.nn.conv2d(x, kernel, 2, "SAME"))
keep("depthwiseConv2d", tf.nn.depthwise_conv2d(x, depthwise, [1, 1, 1, 1], "SAME"))
keep("depthwiseConv2d stride 2", tf.nn.depthwise_conv2d(x, depthwise, [1, 2, 2, 1], "SAME"))
keep("conv2dTranspose", tf.nn.conv2d_transpose(small, kernel, [1, 4, 4, 2], 2, "SAME"))
keep("resizeBilinear", tf.image.resize(small, [4, 4]))

x = wave([2, 2, 2, 2], 1.7, 0.3)
gamma, beta = tf.constant([1.5, 0.5]), tf.constant([0.25, -1.0])
weights = wave([2, 2, 2, 2], 0.7, 0.9)
with tf.GradientTape() as tape:
    tape.watch([x, gamma, beta])
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-3)
    loss = tf.reduce_sum(y * weights)
keep("batch norm training", y)
keep("batch norm mean", mean)
keep("batch norm variance", variance)
for name, gradient in zip(["x", "gamma", "beta"], tape.gradient(loss, [x, gamma, beta])):
    keep(f"batch norm training d{name}", gradient)

mean, variance = tf.constant([0.1, -0.2]), tf.constant([0.8, 1.3])
with tf.GradientTape() as tape:
    tape.watch([x, gamma, beta])
    y = (x - mean) * tf.math.rsqrt(variance + 1e-3) * gamma + beta
    loss = tf.reduce_sum(y * weights)
keep("batch norm inference", y)
for name, gradient in zip(["x", "gamma", "beta"], tape.gradient(loss, [x, gamma, beta])):
    keep(f"batch norm inference d{name}", gradient)

keep("stateless uniform [1, 2]", tf.raw_ops.StatelessRandomUniform(shape=[4], seed=[1, 2]))
keep("stateless normal [1, 2]", tf.raw_ops.StatelessRandomNormal(shape=[4], seed=[1, 2]))
keep("stateless truncated [1, 2]", tf.raw_ops.StatelessTruncatedNormal(shape=[4], seed=[1, 2]))

print(json.dumps(vectors, indent=1))
