"""Writes files of weights as Keras and timm lay them out, and the feature maps that belong to them.

Called by the tests: oracle.py FOLDER. Keras's networks are Keras's own. There is no PyTorch here: timm's
networks are written out below as plain TensorFlow operations on tensors with timm's names and layouts
(kernels [out, in, height, width]), after timm's source, independently of the project's TypeScript.
"""

import json
import os
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py
import keras
import numpy as np
import tensorflow as tf
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

folder = sys.argv[1]
random = np.random.default_rng(3)
DEVIATION = np.array([0.229, 0.224, 0.225], "float32")
SIZES = [(64, 64), (96, 64), (32, 160)]
INPUTS = [random.uniform(-2, 2, (1, h, w, 3)).astype("float32") for h, w in SIZES]

maps = {f"input{i}": x for i, x in enumerate(INPUTS)}


def write_safetensors(path, tensors, metadata={}):
    names = {"float32": "F32", "float16": "F16", "int64": "I64"}
    header, offset = {"__metadata__": metadata}, 0
    for name, value in tensors.items():
        value = tensors[name] = np.ascontiguousarray(value).reshape(np.shape(value))
        end = offset + value.nbytes
        shape = list(value.shape)
        header[name] = {"dtype": names[str(value.dtype)], "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with open(os.path.join(folder, path), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            file.write(value.tobytes())


# --- Keras ---------------------------------------------------------------------------------------


def randomize(model):
    """Every weight random, BatchNorm's statistics too, so that none can be forgotten unnoticed."""
    for layer in model.layers:
        if layer.name.startswith("normalization"):
            continue
        for weight in layer.weights:
            kind, shape = weight.path.split("/")[-1], tuple(weight.shape)
            if kind in ("gamma", "moving_variance"):
                value = random.uniform(0.7, 1.3, shape)
            elif kind in ("beta", "moving_mean", "bias"):
                value = random.normal(0, 0.1, shape)
            else:
                fan_in = np.prod(shape[:2]) if "dwconv" in layer.name else np.prod(shape[:-1])
                value = random.normal(0, np.sqrt(1.5 / fan_in), shape)
            weight.assign(value.astype("float32"))


def save_old(model, path):
    """As the published files are: no longer offered by Keras 3 itself, which still reads them."""
    with h5py.File(os.path.join(folder, path), "w") as file:
        save_weights_to_hdf5_group(file, model)


def add_maps(name, model, layers, inputs):
    features = keras.Model(inputs, [model.get_layer(layer).output for layer in layers])
    for i, x in enumerate(INPUTS):
        if name == "resnet50-v1":
            # What Keras's own preprocessing makes of the same image, but for its rounded means.
            x = (255 * DEVIATION * x)[..., ::-1]
        for layer, value in zip(layers, features(x, training=False)):
            maps[f"{name}/{i}/{layer}"] = np.array(value)


build = keras.applications.EfficientNetB0
model = build(include_top=False, weights=None, input_shape=(None, None, 3))
randomize(model)
model.save_weights(os.path.join(folder, "b0_notop.weights.h5"))
save_old(model, "b0_notop.h5")
taps = [f"block{k}a_expand_activation" for k in (2, 3, 4, 6)]
add_maps("efficientnet-b0", model, taps, model.get_layer("stem_conv_pad").input)

top = build(include_top=True, weights=None, classes=5, input_shape=(224, 224, 3))
for layer in top.layers:
    if layer.weights and not layer.name.startswith(("predictions", "normalization")):
        layer.set_weights(model.get_layer(layer.name).get_weights())
top.save_weights(os.path.join(folder, "b0_top.weights.h5"))
top.save(os.path.join(folder, "b0_top_model.h5"))

# A published file of an older Keras: names end in ":0", depthwise kernels have another name.
with h5py.File(os.path.join(folder, "b0_keras2.h5"), "w") as file:
    file.attrs["layer_names"] = [layer.name.encode() for layer in top.layers]
    for layer in top.layers:
        group = file.create_group(layer.name)
        names = []
        for weight in layer.weights:
            kind = weight.path.split("/")[-1]
            kind = "depthwise_kernel" if "dwconv" in layer.name else kind
            names.append(f"{layer.name}/{kind}:0")
            group.create_dataset(names[-1], data=np.array(weight))
        group.attrs["weight_names"] = [name.encode() for name in names]

model = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(None, None, 3))
randomize(model)
first = model.get_layer("conv1_conv")
first.set_weights([first.get_weights()[0] / 60, first.get_weights()[1]])
taps = ["conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out"]
add_maps("resnet50-v1", model, taps, model.input)
# The last stage is large and not used: one layer of it stands for all.
short = keras.Model(model.input, model.get_layer("conv5_block1_1_conv").output)
save_old(short, "resnet50_keras.h5")
short.save_weights(os.path.join(folder, "resnet50_keras.weights.h5"))

# --- timm ----------------------------------------------------------------------------------------


class State:
    """A state_dict that makes each weight when it is first asked for."""

    def __init__(self):
        self.tensors = {}

    def get(self, name, shape, kind):
        if name not in self.tensors:
            if kind == "kernel":
                value = random.normal(0, np.sqrt(1.5 / np.prod(shape[1:])), shape)
            elif kind == "positive":
                value = random.uniform(0.7, 1.3, shape)
            else:
                value = random.normal(0, 0.1, shape)
            self.tensors[name] = value.astype("float32")
        return self.tensors[name]

    def conv(self, x, name, out, size, stride=1, groups=1, same=False, bias=False):
        kernel = self.get(name + ".weight", (out, x.shape[-1] // groups, size, size), "kernel")
        kernel = np.transpose(kernel, (2, 3, 1, 0))
        if not same:
            pad = size // 2
            x = tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        padding = "SAME" if same else "VALID"
        if groups == x.shape[-1] == out:
            depthwise = np.transpose(kernel, (0, 1, 3, 2))
            x = tf.nn.depthwise_conv2d(x, depthwise, [1, stride, stride, 1], padding)
        else:
            x = tf.nn.conv2d(x, kernel, stride, padding)
        return x + self.get(name + ".bias", (out,), "any") if bias else x

    def norm(self, x, name, epsilon):
        shape = (x.shape[-1],)
        gamma = self.get(name + ".weight", shape, "positive")
        beta = self.get(name + ".bias", shape, "any")
        mean = self.get(name + ".running_mean", shape, "any")
        variance = self.get(name + ".running_var", shape, "positive")
        self.tensors[name + ".num_batches_tracked"] = np.array(7, "int64")
        return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta

    def excite(self, x, reduce, expand, squeezed, activation):
        y = tf.reduce_mean(x, [1, 2], keepdims=True)
        y = activation(self.conv(y, reduce, squeezed, 1, bias=True))
        return x * tf.sigmoid(self.conv(y, expand, x.shape[-1], 1, bias=True))


def resnet(state, x, bottleneck, groups=1, group_width=64, squeeze=False):
    x = state.conv(x, "conv1", 64, 7, 2)
    x = tf.nn.relu(state.norm(x, "bn1", 1e-5))
    features = [x]
    x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-np.inf)
    x = tf.nn.max_pool2d(x, 3, 2, "VALID")
    for layer, count in enumerate((3, 4, 6), 1):
        planes = 32 * 2**layer
        for block in range(count):
            name = f"layer{layer}.{block}."
            stride = 2 if layer > 1 and block == 0 else 1
            if bottleneck:
                width, out = planes * group_width // 64 * groups, 4 * planes
                steps = [(width, 1, 1, 1), (width, 3, stride, groups), (out, 1, 1, 1)]
            else:
                out = planes
                steps = [(out, 3, stride, 1), (out, 3, 1, 1)]
            y = x
            for i, (channels, size, step, parts) in enumerate(steps, 1):
                y = state.conv(y, f"{name}conv{i}", channels, size, step, parts)
                y = state.norm(y, f"{name}bn{i}", 1e-5)
                y = y if i == len(steps) else tf.nn.relu(y)
            if squeeze:
                y = state.excite(y, name + "se.fc1", name + "se.fc2", out // 16, tf.nn.relu)
            if stride != 1 or x.shape[-1] != out:
                x = state.norm(
                    state.conv(x, name + "downsample.0", out, 1, stride),
                    name + "downsample.1",
                    1e-5,
                )
            x = tf.nn.relu(x + y)
        features.append(x)
    return features


def efficientnet_b0(state, x):
    """tf_efficientnet_b0: TensorFlow's padding and epsilon."""
    conv = lambda *arguments, **options: state.conv(*arguments, **options, same=True)
    norm = lambda x, name: state.norm(x, name, 1e-3)
    x = tf.nn.silu(norm(conv(x, "conv_stem", 32, 3, 2), "bn1"))
    features = []
    stages = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112)]
    for s, (count, size, first_stride, expand, out) in enumerate(stages + [(1, 5, 2, 6, 192)]):
        for block in range(count):
            name, stride = f"blocks.{s}.{block}.", first_stride if block == 0 else 1
            y, inside = x, x.shape[-1] * expand
            names = ["bn1", "conv_pw", "bn2"]
            if expand > 1:
                y = tf.nn.silu(norm(conv(y, name + "conv_pw", inside, 1), name + "bn1"))
                if stride == 2:
                    features.append(y)
                if s == 5:
                    return features
                names = ["bn2", "conv_pwl", "bn3"]
            y = conv(y, name + "conv_dw", inside, size, stride, inside)
            y = tf.nn.silu(norm(y, name + names[0]))
            squeezed = x.shape[-1] // 4
            y = state.excite(y, name + "se.conv_reduce", name + "se.conv_expand", squeezed, tf.nn.silu)
            y = norm(conv(y, name + names[1], out, 1), name + names[2])
            x = x + y if stride == 1 and x.shape[-1] == out else y


def add_timm(name, path, network, names, rest, half=False):
    state = State()
    for i, x in enumerate(INPUTS):
        for layer, value in zip(names, network(state, x)):
            maps[f"{name}/{i}/{layer}"] = np.array(value)
        if half and i == 0:
            # Weights that are the same in 16 bits, once they are all there.
            for key, value in state.tensors.items():
                if value.dtype == np.float32:
                    state.tensors[key] = value.astype("float16").astype("float32")
            for layer, value in zip(names, network(state, x)):
                maps[f"{name}/{i}/{layer}"] = np.array(value)
    for key in rest:
        state.tensors[key] = np.zeros((2, 3), "float32")
    tensors = dict(sorted(state.tensors.items()))
    if half:
        tensors = {k: v.astype("float16") if v.dtype == np.float32 else v for k, v in tensors.items()}
    write_safetensors(path, tensors, {"format": "pt"})


rest = ["layer4.0.conv1.weight", "layer4.2.bn3.running_var", "fc.weight", "fc.bias"]
add_timm("resnet34", "resnet34.safetensors", lambda s, x: resnet(s, x, False), taps, rest)
add_timm("resnet50", "resnet50.safetensors", lambda s, x: resnet(s, x, True), taps, rest)
add_timm(
    "seresnext50-32x4d",
    "seresnext50.safetensors",
    lambda s, x: resnet(s, x, True, 32, 4, True),
    taps,
    rest,
    half=True,
)
add_timm(
    "efficientnet-b0 of timm",
    "b0.safetensors",
    efficientnet_b0,
    [f"block{k}a_expand_activation" for k in (2, 3, 4, 6)],
    ["blocks.5.0.conv_dw.weight", "blocks.6.0.bn1.bias", "conv_head.weight", "bn2.weight", "classifier.bias"],
)
write_safetensors("maps.safetensors", maps)
