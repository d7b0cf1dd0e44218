"""The report's network in Keras: EfficientNet-B4 and the simplified U-Net++, as the tests' oracle has it."""

import os
import sys

import keras
import tensorflow as tf

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "model"))
import keras_model

# A row's programs live side by side: none may take the whole memory of the GPU.
for gpu in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(gpu, True)

START_FILTERS = 8
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def network(size, probabilities=False):
    """From grey values [batch, size, size, 1] to logits, or to probabilities."""
    images = keras.Input((size, size, 1))
    colours = keras.layers.Concatenate()([images] * 3)
    # As a Normalization its numbers would be lost on the way to ONNX.
    scale = [1 / deviation for deviation in DEVIATION]
    offset = [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION)]
    inputs = keras.layers.Rescaling(scale, offset)(colours)
    _, taps = keras_model.backbone(inputs, "B4", size)
    outputs = keras_model.simplified_unet_plus_plus(inputs, taps, START_FILTERS)
    if probabilities:
        outputs = keras.layers.Activation("sigmoid")(outputs)
    return keras.Model(images, outputs)


def films(count, size):
    """Noise as films, a square as the mask of each."""
    images = tf.random.stateless_uniform((count, size, size, 1), (1, 2))
    inside = tf.cast(tf.abs(tf.linspace(-1.0, 1.0, size)) < 0.5, tf.float32)
    masks = tf.tile((inside[:, None] * inside[None, :])[None, :, :, None], (count, 1, 1, 1))
    return images, masks


def training_step(model, mixed_precision=None):
    """One step of Adam on BCE + dice, as a `tf.function` of a batch."""
    optimizer = keras.optimizers.Adam(1e-3)
    if mixed_precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(images, masks):
        with tf.GradientTape() as tape:
            logits = tf.cast(model(images, training=True), tf.float32)
            entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=masks, logits=logits)
            p = tf.sigmoid(logits)
            overlap = 2 * tf.reduce_sum(p * masks) + 1
            dice = overlap / (tf.reduce_sum(p) + tf.reduce_sum(masks) + 1)
            loss = tf.reduce_mean(entropy) + 1 - dice
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return step
