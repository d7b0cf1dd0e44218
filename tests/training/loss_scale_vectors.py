"""Prints loss_scale_vectors.json: what Keras's LossScaleOptimizer makes of a row of gradients.

Run by hand: python tests/training/loss_scale_vectors.py > tests/training/loss_scale_vectors.json
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

OK, INF, NAN = 0.5, float("inf"), float("nan")
ROW = [OK, OK, OK, OK, INF, OK, NAN, NAN, OK, OK, OK, -INF, OK, OK, OK, OK, OK, OK]

inner = keras.optimizers.SGD(learning_rate=0.1)
optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0, dynamic_growth_steps=3)
weight = keras.Variable(1.0)
optimizer.build([weight])
steps = []
for gradient in ROW:
    scale = float(optimizer.dynamic_scale)
    optimizer.apply([keras.ops.convert_to_tensor(np.float32(gradient * scale))])
    steps.append(
        {
            "gradient": gradient if np.isfinite(gradient) else str(gradient),
            "scale": float(optimizer.dynamic_scale),
            "weight": round(float(weight), 6),
        }
    )
print(json.dumps(steps))
