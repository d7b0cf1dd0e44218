"""Albumentations in two processes: `augment.py SIZE COUNT`.

Every change of the experiments siim/*, each applied to each film: what `ours/augment.ts` does too.
"""

import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import sys
import time
from multiprocessing import get_context

from contestant import serve

import albumentations as A
import cv2
import numpy as np

PROCESSES = 2

size, count = int(sys.argv[1]), int(sys.argv[2])
SIGMA = 0.05 * size
# Albumentations scales noise that a Gaussian has smoothed; this makes its standard deviation that of
# the experiments, 0.003 to 0.012 of the width, in the mean.
ALPHA = 0.0075 * size * np.sqrt(3) * 2 * np.sqrt(np.pi) * SIGMA

augment = A.Compose([
    A.HorizontalFlip(p=1),
    A.RandomResizedCrop((size, size), scale=(0.64, 1), ratio=(1, 1), p=1),
    A.OpticalDistortion(distort_limit=(-0.2, 0.3), p=1),
    A.GridDistortion(num_steps=5, distort_limit=0.3, p=1),
    A.ElasticTransform(alpha=ALPHA, sigma=SIGMA, noise_distribution="uniform", p=1),
    A.RandomBrightnessContrast(brightness_limit=0.1, contrast_limit=0.2, p=1),
    A.RandomGamma(gamma_limit=(80, 120), p=1),
])
random = np.random.default_rng(1)
film = random.integers(0, 256, (size, size), np.uint8)
mask = np.zeros((size, size), np.uint8)
mask[size // 4 : size // 2, size // 4 : size // 2] = 1


def one(_):
    changed = augment(image=film, mask=mask)
    return int(changed["image"][0, 0]) + int(changed["mask"][0, 0])


pool = get_context("fork").Pool(PROCESSES, cv2.setNumThreads, (1,))


def sample():
    started = time.perf_counter()
    pool.map(one, range(count), chunksize=4)
    return (time.perf_counter() - started) * 1000


serve(sample, A, cv2, np)
