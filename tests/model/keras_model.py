"""Builds a network in Keras, gives it random weights, and writes weights, input and output.

Called by the tests: keras_model.py FOLDER ARCHITECTURE:VARIANT:SIZE:FILTERS ... Each becomes the
safetensors file FOLDER/ARCHITECTURE.safetensors with the weights under the names of this project,
"input" and "logits".
"""

import json
import os
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
from keras import layers as L

SLOPE = 0.1


def backbone(inputs, variant, size):
    # Named layers only; the input's normalisation is undone here, as the project's model has none.
    whole = getattr(keras.applications, "EfficientNet" + variant)(
        include_top=False, weights=None, input_shape=(size, size, 3)
    )
    taps = [whole.get_layer(f"block{k}a_expand_activation").output for k in (2, 3, 4, 6)]
    encoder = keras.Model(whole.get_layer("stem_conv_pad").input, taps)
    return encoder, encoder(inputs)


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


def up(x, filters, name, kernel=3):
    return L.Conv2DTranspose(filters, kernel, strides=2, padding="same", name=name)(x)


def block(x, filters, name, dropout=0.1):
    x = L.Dropout(dropout)(x)  # only training has it
    return leaky(residual(conv(x, filters, name + "_conv"), filters, name))


def conv_block(x, filters, name, kernel=3, repeats=2, dilation=1):
    for i in range(1, repeats + 1):
        x = L.Conv2D(
            filters,
            kernel,
            padding="same",
            dilation_rate=dilation,
            use_bias=False,
            name=f"{name}_conv{i}",
        )(x)
        x = L.ReLU()(norm(x, f"{name}_bn{i}"))
    return x


def cat(*maps):
    return L.Concatenate()(list(maps))


def output(x, name="output"):
    return L.Conv2D(1, 1, name=name)(x)


def middle(c4, n):
    x = L.Dropout(0.5)(leaky(L.MaxPooling2D(2)(c4)))
    x = conv(x, 32 * n, "middle_conv")
    return leaky(residual(residual(x, 32 * n, "middle_1"), 32 * n, "middle_2"))


def unet(x, taps, n):
    skips = []
    for level in range(5):
        x = L.MaxPooling2D(2)(x) if level else x
        x = conv_block(x, n * 2**level, f"x_{level}_0")
        skips.append(x)
    for layer in range(1, 5):
        level = 4 - layer
        name, filters = f"x_{level}_{layer}", n * 2**level
        x = cat(skips[level], up(x, filters, name + "_up", 2))
        x = conv_block(x, filters, name)
    return output(x)


def encoder_unet(x, taps, n):
    x = middle(taps[3], n)
    for level in (4, 3, 2, 1):
        x = up(x, n * 2**level, f"up_d{level}")
        x = block(cat(x, taps[level - 1]), n * 2**level, f"u{level}")
    return output(block(up(x, n, "up_d0"), n, "u0"))


def unet_plus_plus(x, taps, n):
    rows = [[tap] for tap in taps]
    rows.append([conv_block(L.MaxPooling2D(2)(taps[3]), 32 * n, "x_4_0")])
    for layer in range(1, 5):
        for depth in range(5 - layer):
            name, filters = f"x_{depth}_{layer}", n * 2 ** (depth + 1)
            below = up(rows[depth + 1][layer - 1], filters, name + "_up", 2)
            rows[depth].append(conv_block(cat(*rows[depth], below), filters, name))
    heads = []
    for layer in range(1, 5):
        y = L.ReLU()(up(rows[0][layer], n, f"head_{layer}_up"))
        heads.append(output(y, f"head_{layer}_output"))
    return L.Average()(heads)


def simplified_unet_plus_plus(x, taps, n):
    c1, c2, c3, c4 = taps
    d4 = up(middle(c4, n), 16 * n, "up_d4")
    d4a = up(d4, 16 * n, "up_d4a")
    d4b = up(d4a, 16 * n, "up_d4b")
    d4c = up(d4b, 16 * n, "up_d4c")
    x4 = block(cat(d4, leaky(c4)), 16 * n, "u4", 0.5)
    d3 = up(x4, 8 * n, "up_d3")
    d3a = up(d3, 8 * n, "up_d3a")
    d3b = up(d3a, 8 * n, "up_d3b")
    x3 = block(cat(d3, d4a, c3), 8 * n, "u3", 0.5)
    d2 = up(x3, 4 * n, "up_d2")
    d2a = up(d2, 4 * n, "up_d2a")
    x2 = block(cat(d2, d3a, d4b, c2), 4 * n, "u2")
    d1 = up(x2, 2 * n, "up_d1")
    x1 = block(cat(d1, d2a, d3b, d4c, c1), 2 * n, "u1")
    x0 = block(up(x1, n, "up_d0"), n, "u0")
    return output(L.Dropout(0.25)(x0))


def deeplab_v3_plus(x, taps, n):
    coarse, filters = taps[3], 32 * n
    size = coarse.shape[1]
    image = L.GlobalAveragePooling2D(keepdims=True)(coarse)
    image = L.ReLU()(L.Conv2D(filters, 1, name="aspp_image")(image))
    image = L.UpSampling2D(size, interpolation="bilinear")(image)
    pyramid = [conv_block(coarse, filters, "aspp_point", 1, 1)]
    for i, dilation in enumerate((6, 12, 18)):
        pyramid.append(conv_block(coarse, filters, f"aspp_dilated{i + 1}", 3, 1, dilation))
    x = conv_block(cat(*pyramid, image), filters, "aspp_project", 1, 1)
    fine = conv_block(taps[1], 6 * n, "fine", 1, 1)
    x = cat(L.UpSampling2D(4, interpolation="bilinear")(x), fine)
    x = output(conv_block(x, filters, "decode"))
    return L.UpSampling2D(4, interpolation="bilinear")(x)


ARCHITECTURES = {
    "unet": unet,
    "encoder-unet": encoder_unet,
    "unet++": unet_plus_plus,
    "simplified-unet++": simplified_unet_plus_plus,
    "deeplabv3+": deeplab_v3_plus,
}


def save(path, tensors, metadata):
    header, offset = {"__metadata__": metadata}, 0
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


def build(folder, architecture, variant, size, n):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((size, size, 3))
    encoder, taps = (None, []) if architecture == "unet" else backbone(inputs, variant, size)
    model = keras.Model(inputs, ARCHITECTURES[architecture](inputs, taps, n))

    # Every weight random, BatchNorm's statistics too, so that none of them can be forgotten unnoticed.
    random = np.random.default_rng(7)
    tensors = {}
    for layer in (list(encoder.layers) if encoder else []) + list(model.layers):
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
    path = os.path.join(folder, architecture + ".safetensors")
    save(path, tensors, {"parameters": str(model.count_params())})


if __name__ == "__main__":
    for text in sys.argv[2:]:
        architecture, variant, size, filters = text.split(":")
        build(sys.argv[1], architecture, variant, int(size), int(filters))
