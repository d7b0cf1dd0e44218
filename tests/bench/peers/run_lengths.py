"""The competition's run lengths in numpy: `run_lengths.py TABLE COUNT SIZE`."""

import sys
import time

from contestant import serve

import numpy as np

table, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(table) as file:
    rows = [line.split(",")[1].strip() for line in file.read().splitlines()[1:]]
texts = [row for row in rows if row != "-1"]


def decode(text):
    lengths = np.array(text.split(), np.int64)
    flat = np.zeros(size * size, np.uint8)
    ends = np.cumsum(lengths)
    for start, end in zip(ends[0::2], ends[1::2]):
        flat[start:end] = 1
    return np.ascontiguousarray(flat.reshape(size, size).T)


def encode(mask):
    padded = np.zeros(size * size + 2, np.uint8)
    padded[1:-1] = mask.T.ravel()
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return " ".join(map(str, np.diff(edges, prepend=0)))


def sample():
    started = time.perf_counter()
    for i in range(count):
        text = texts[i % len(texts)]
        if encode(decode(text)) != text:
            raise ValueError("a mask has other run lengths than before")
    return (time.perf_counter() - started) * 1000


serve(sample, np)
