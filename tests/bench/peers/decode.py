"""pydicom with OpenCV or pillow in two processes: `decode.py arrays|files SIZE FOLDER`.

"arrays" decodes with OpenCV to grey arrays; "files" decodes with pillow, stretches the contrast as this
project does, and writes PNGs.
"""

import io
import os
import sys
import tempfile
import time
from multiprocessing import get_context

from contestant import serve

import cv2
import numpy as np
import PIL
import PIL.Image
import pydicom
from pydicom.encaps import generate_frames

PROCESSES = 2
PNG_LEVEL = 3


def jpeg(path):
    return next(generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=1))


def to_array(task):
    path, size, _ = task
    pixels = cv2.imdecode(np.frombuffer(jpeg(path), np.uint8), cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    # Sending the array to the main process would take time that no array here takes.
    return int(small[0, 0])


def to_file(task):
    path, size, folder = task
    image = PIL.Image.open(io.BytesIO(jpeg(path)))
    pixels = np.asarray(image)
    low, high = np.percentile(pixels, (0.5, 99.5))
    levels = np.clip((np.arange(256) - low) * (255 / max(high - low, 1)) + 0.5, 0, 255)
    stretched = PIL.Image.fromarray(levels.astype(np.uint8)[pixels])
    small = stretched.resize((size, size), PIL.Image.Resampling.BOX)
    name = os.path.basename(path) + ".png"
    small.save(os.path.join(folder, name), compress_level=PNG_LEVEL)


def main():
    work = {"arrays": to_array, "files": to_file}[sys.argv[1]]
    size, root = int(sys.argv[2]), sys.argv[3]
    paths = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if name.endswith(".dcm")
    )
    pool = get_context("fork").Pool(PROCESSES, cv2.setNumThreads, (1,))

    def sample():
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            pool.map(work, [(path, size, folder) for path in paths], chunksize=10)
            return (time.perf_counter() - started) * 1000

    serve(sample, pydicom, cv2, PIL, np)


main()
