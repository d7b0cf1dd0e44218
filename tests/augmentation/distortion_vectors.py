"""Writes distortion_vectors.json. Needs opencv-python-headless, numpy and albumentations:

    python tests/augmentation/distortion_vectors.py > tests/augmentation/distortion_vectors.json
"""

import json

import albumentations.augmentations.geometric.functional as albumentations
import cv2
import numpy as np

SIZE = 12


def rounded(values):
    return [round(float(value), 5) for value in np.asarray(values).ravel()]


def noise(height, width, start):
    i = np.arange(height * width) + start
    return (((i * 7919 + 13) % 1009) / 1009 * 2 - 1).reshape(height, width).astype(np.float32)


def image():
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    return (((5 * y * y + 3 * x + 7 * x * y) % 23) / 22).astype(np.float32)


def remapped(x, y):
    x, y = np.float32(x), np.float32(y)
    border = cv2.BORDER_REPLICATE
    bilinear = cv2.remap(image(), x, y, cv2.INTER_LINEAR, borderMode=border)
    mask = np.uint8(image() > 0.5)
    nearest = cv2.remap(mask, x, y, cv2.INTER_NEAREST, borderMode=border)
    return {"x": rounded(x), "y": rounded(y), "image": rounded(bilinear),
            "mask": nearest.ravel().tolist()}


def optical(k):
    centre = (SIZE - 1) / 2
    camera = np.array([[SIZE, 0, centre], [0, SIZE, centre], [0, 0, 1]], np.float32)
    lens = np.array([k, k, 0, 0, 0], np.float32)
    return cv2.initUndistortRectifyMap(camera, lens, None, None, (SIZE, SIZE), cv2.CV_32FC1)


def grid_axis(stretch, places):
    edges = np.linspace(0, SIZE, len(stretch) + 1)
    sources = np.concatenate([[0], np.cumsum(stretch)]) / np.sum(stretch) * SIZE
    return np.interp(places + 0.5, edges, sources) - 0.5


def elastic(sigma, scale):
    kernel = int(round(8 * sigma + 1)) | 1
    margin = kernel - 1
    side = SIZE + margin
    blurred = [cv2.GaussianBlur(noise(side, side, start), (kernel, kernel), sigma)
               for start in (0, side * side)]
    inner = slice(margin // 2, margin // 2 + SIZE)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    return x + scale * blurred[0][inner, inner], y + scale * blurred[1][inner, inner]


y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
STRETCH_X, STRETCH_Y = [1.31, 0.8, 1.13, 0.71], [0.77, 1.2, 1.27, 1.01]
SIGMA, ALBUMENTATIONS_ALPHA = 1.2, 7.0

steps = albumentations.normalize_grid_distortion_steps(
    (SIZE, SIZE), len(STRETCH_X), [*STRETCH_X, 1.0], [*STRETCH_Y, 1.0])
theirs = albumentations.generate_grid(
    (SIZE, SIZE), list(steps["steps_x"]), list(steps["steps_y"]), len(STRETCH_X))

ex, ey = elastic(SIGMA, ALBUMENTATIONS_ALPHA)
gx, gy = grid_axis(STRETCH_X, ex), grid_axis(STRETCH_Y, ey)
k, centre = 0.4, (SIZE - 1) / 2
u, v = (gx - centre) / SIZE, (gy - centre) / SIZE
r2 = u * u + v * v
factor = 1 + k * r2 + k * r2 * r2
ox, oy = centre + SIZE * u * factor, centre + SIZE * v * factor
zoom, left, top = 0.8, 0.05, 0.15
cx, cy = (ox + 0.5) * zoom + left * SIZE - 0.5, (oy + 0.5) * zoom + top * SIZE - 0.5
all_x, all_y = SIZE - 1 - cx, cy

print(json.dumps({
    "source": f"OpenCV {cv2.__version__} (initUndistortRectifyMap, GaussianBlur, remap) and "
              "numpy.interp; written by distortion_vectors.py",
    "size": SIZE,
    "kernels": [{"sigma": s, "weights": rounded(cv2.getGaussianKernel(int(round(8 * s + 1)) | 1, s))}
                for s in (0.6, 1.2, 3.3)],
    "optical": [{"k": k, **remapped(*optical(k))} for k in (0.4, -0.3)],
    "grid": {"stretchX": STRETCH_X, "stretchY": STRETCH_Y,
             "albumentationsX": rounded(theirs[0][0]), "albumentationsY": rounded(theirs[1][:, 0]),
             **remapped(grid_axis(STRETCH_X, x), grid_axis(STRETCH_Y, y))},
    "elastic": {"sigma": SIGMA, "albumentationsAlpha": ALBUMENTATIONS_ALPHA,
                **remapped(*elastic(SIGMA, ALBUMENTATIONS_ALPHA))},
    "all": {"k": 0.4, "zoom": zoom, "left": left, "top": top, **remapped(all_x, all_y)},
}))
