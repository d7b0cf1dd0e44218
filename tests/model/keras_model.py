"""Builds the report's model in Keras, gives it random weights, and writes weights, input and output.

Called by the tests: keras_model.py FILE VARIANT SIZE. FILE becomes a safetensors file with the weights
under the names of this project, "input" and "logits".
"""

import json
import os
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
from keras import layers as L

path, variant, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
keras.utils.set_random_seed(1)

N, SLOPE = 8, 0.1
inputs = keras.Input((size, size, 3))
# Named layers only; the input's normalisation is undone below, as the project's model has none.
backbone = getattr(keras.applications, "EfficientNet" + variant)(
    include_top=False, weights=None, input_shape=(size, size, 3)
)
taps = [backbone.get_layer(f"block{k}a_expand_activation").output for k in (2, 3, 4, 6)]
encoder = keras.Model(backbone.get_layer("stem_conv_pad").input, taps)
c1, c2, c3, c4 = encoder(inputs)


def leaky(x):
    return L.LeakyReLU(negative_slope=SLOPE)(x)


def conv(x, filters, name):
    return L.Conv2D(filters, 3, padding="same", name=name)(x)


def norm(x, name):
    return L.BatchNormalization(name=name)(x)


def residual(x, filters, name):
    name += "_residual_"
    y = norm(leaky(x), name + "input_bn")
    shortcut = norm(x, name + "shortcut_bn")
    y = leaky(norm(conv(y, filters, name + "conv1"), name + "bn1"))
    y = norm(conv(y, filters, name + "conv2"), name + "bn2")
    return L.Add()([y, shortcut])


def up(x, filters, name):
    return L.Conv2DTranspose(filters, 3, strides=2, padding="same", name="up_" + name)(x)


def block(x, filters, name):
    return leaky(residual(conv(x, filters, name + "_conv"), filters, name))


cat = L.Concatenate()
conv4 = leaky(c4)
middle = conv(L.MaxPooling2D(2)(conv4), 32 * N, "middle_conv")
middle = leaky(residual(residual(middle, 32 * N, "middle_1"), 32 * N, "middle_2"))
d4 = up(middle, 16 * N, "d4")
d4a = up(d4, 16 * N, "d4a")
d4b = up(d4a, 16 * N, "d4b")
d4c = up(d4b, 16 * N, "d4c")
x4 = block(cat([d4, conv4]), 16 * N, "u4")
d3 = up(x4, 8 * N, "d3")
d3a = up(d3, 8 * N, "d3a")
d3b = up(d3a, 8 * N, "d3b")
x3 = block(cat([d3, d4a, c3]), 8 * N, "u3")
d2 = up(x3, 4 * N, "d2")
d2a = up(d2, 4 * N, "d2a")
x2 = block(cat([d2, d3a, d4b, c2]), 4 * N, "u2")
d1 = up(x2, 2 * N, "d1")
x1 = block(cat([d1, d2a, d3b, d4c, c1]), 2 * N, "u1")
x0 = block(up(x1, N, "d0"), N, "u0")
logits = L.Conv2D(1, 1, name="output")(x0)
model = keras.Model(inputs, logits)

# Every weight random, BatchNorm's statistics too, so that none of them can be forgotten unnoticed.
random = np.random.default_rng(7)
tensors = {}
for layer in list(encoder.layers) + list(model.layers):
    for weight in layer.weights:
        if layer is encoder or weight.path.count("/") == 0:
            continue
        kind = weight.path.split("/")[-1]
        shape = tuple(weight.shape)
        if kind in ("gamma", "moving_variance"):
            value = random.uniform(0.7, 1.3, shape)
        elif kind in ("beta", "moving_mean", "bias"):
            value = random.normal(0, 0.1, shape)
        else:
            fan_in = np.prod(shape[:2]) if "dwconv" in layer.name else np.prod(shape[:-1])
            value = random.normal(0, np.sqrt(1.5 / fan_in), shape)
        weight.assign(value.astype("float32"))
        tensors[f"{layer.name}/{kind}"] = np.array(weight)

image = random.uniform(-1, 1, (1, size, size, 3)).astype("float32")
tensors["input"] = image
tensors["logits"] = np.array(model(image, training=False))

header, offset = {"__metadata__": {"parameters": str(model.count_params())}}, 0
for name, value in tensors.items():
    value = tensors[name] = np.ascontiguousarray(value, "<f4")
    header[name] = {
        "dtype": "F32",
        "shape": list(value.shape),
        "data_offsets": [offset, offset + value.nbytes],
    }
    offset += value.nbytes
text = json.dumps(header).encode()
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    for value in tensors.values():
        file.write(value.tobytes())
