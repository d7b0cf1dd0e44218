"""The first rank's triplet in numpy: `triplet_search.py each|levels FILMS SIZE`.

"each" applies each triplet to each map; "levels" counts once what triplets share, as this project does.
"""

import sys
import time

from contestant import serve

import numpy as np

how, films, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
TOPS, AREAS, BOTTOMS = (0.5, 0.6, 0.7, 0.8, 0.9), (500, 1000, 2000, 3000), (0.1, 0.2, 0.3, 0.4, 0.5)
DISTINCT = 20  # as many maps are held; they are gone through again and again

random = np.random.default_rng(1)
maps = random.random((DISTINCT, size, size), np.float32)
truths = np.zeros((DISTINCT, size, size), bool)
truths[::2, : size // 8, : size // 8] = True


def dice(common, predicted, annotated):
    total = predicted + annotated
    return 2 * common / total if total else 1.0


def each(film, truth):
    annotated = np.count_nonzero(truth)
    scores = []
    for top in TOPS:
        for area in AREAS:
            for bottom in BOTTOMS:
                mask = film > bottom
                if np.count_nonzero(film > top) < area:
                    mask[:] = False
                common = np.count_nonzero(mask & truth)
                scores.append(dice(common, np.count_nonzero(mask), annotated))
    return scores


def levels(film, truth):
    annotated = np.count_nonzero(truth)
    certain = [np.count_nonzero(film > top) for top in TOPS]
    positive = []
    for bottom in BOTTOMS:
        mask = film > bottom
        common = np.count_nonzero(mask & truth)
        positive.append(dice(common, np.count_nonzero(mask), annotated))
    negative = dice(0, 0, annotated)
    return [
        score if count >= area else negative
        for count in certain
        for area in AREAS
        for score in positive
    ]


def sample():
    search = {"each": each, "levels": levels}[how]
    started = time.perf_counter()
    scores = np.array([search(maps[i % DISTINCT], truths[i % DISTINCT]) for i in range(films)])
    scores.mean(axis=0).argmax()
    return (time.perf_counter() - started) * 1000


serve(sample, np)
