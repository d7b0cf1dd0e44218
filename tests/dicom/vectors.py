"""Writes vectors.json: small DICOM files of many kinds, and what pydicom and its decoders read in them.

With what pydicom_requirements.txt names, and imagecodecs 2026.3.6 and Pillow (encoders only):
python tests/dicom/vectors.py > tests/dicom/vectors.json
"""
import base64
import io
import json
import pathlib
import sys

import imagecodecs
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.sequence import Sequence
from pydicom.uid import UID

# "shown", the display's levels by pydicom; without running its main()
source = (pathlib.Path(__file__).parent / "pydicom_oracle.py").read_text().replace("\nmain(sys.argv[1])", "")
oracle = {}
exec(source.replace("import data_store\n", ""), oracle)

ROWS, COLUMNS = 11, 17
random = np.random.default_rng(7)
y, x = np.mgrid[:ROWS, :COLUMNS]
SMOOTH = 0.5 + 0.4 * np.sin(x / 5) * np.cos(y / 4)


def grey(bits, signed=False):
    """A smooth picture with a little noise over the whole range of the bits."""
    values = SMOOTH + random.normal(0, 0.02, SMOOTH.shape)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    kind = ("i" if signed else "u") + ("1" if bits <= 8 else "2")
    return np.clip(np.rint(low + values * (high - low)), low, high).astype(kind)


def noise(bits):
    return random.integers(0, 2**bits, (ROWS, COLUMNS)).astype("u1" if bits <= 8 else "u2")


def dataset(pixels, stored, syntax, stream=None, **extra):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    file = FileDataset(
        "", {}, file_meta=meta, preamble=b"\0" * 128,
        is_implicit_VR=syntax == IMPLICIT, is_little_endian=syntax != BIG)
    file.SamplesPerPixel = 1
    file.PhotometricInterpretation = "MONOCHROME2"
    file.Rows, file.Columns = pixels.shape
    file.BitsAllocated = 8 * pixels.itemsize
    file.BitsStored = stored
    file.HighBit = stored - 1
    file.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in extra.items():
        setattr(file, name, value)
    if stream is None:
        order = ">" if syntax == BIG else "<"
        data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        data += b"\0" * (len(data) % 2)
        if syntax == BIG and pixels.itemsize == 1:
            data = np.frombuffer(data, "u2").byteswap().tobytes()  # as OW
        file.PixelData = data
        file["PixelData"].VR = "OW"
    else:
        file.PixelData = encapsulate([stream])
        file["PixelData"].VR = "OB"
    return file


def encode(file):
    buffer = io.BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return base64.b64encode(buffer.getvalue()).decode()


def table(first, entries, bits, representation="US"):
    item = Dataset()
    item.add_new(0x00283002, representation, [len(entries), first, bits])
    item.add_new(0x00283006, "US", [int(entry) for entry in entries])
    return Sequence([item])


IMPLICIT, LITTLE, DEFLATED, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4."
RLE = "1.2.840.10008.1.2.5"

files = {}
for name, syntax in {"implicit": IMPLICIT, "little": LITTLE, "deflated": DEFLATED, "big": BIG}.items():
    for stored, signed in [(8, False), (8, True), (10, False), (12, True), (16, False), (16, True)]:
        label = f"{name} endian, {stored} bits{', signed' if signed else ''}"
        files[label] = dataset(grey(stored, signed), stored, syntax)
for stored in (8, 12, 16):
    pixels = grey(stored)
    files[f"RLE, {stored} bits"] = dataset(
        pixels, stored, RLE, RLELosslessEncoder.encode(
            pixels.tobytes(), rows=ROWS, columns=COLUMNS, samples_per_pixel=1, number_of_frames=1,
            bits_allocated=8 * pixels.itemsize, bits_stored=stored, pixel_representation=0,
            photometric_interpretation="MONOCHROME2"))
for predictor in range(1, 8):
    pixels = grey(12)
    stream = imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=predictor, bitspersample=12)
    files[f"JPEG Lossless, predictor {predictor}, 12 bits"] = dataset(pixels, 12, JPEG + "57", stream)
for stored, syntax in [(8, "70"), (10, "57"), (16, "70")]:
    pixels = noise(stored)
    stream = imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=stored)
    files[f"JPEG Lossless, noise of {stored} bits"] = dataset(pixels, stored, JPEG + syntax, stream)
# values that differ by 32768, which has a code of its own
extremes = np.where((x + y) % 2, 0x8000, 0).astype("u2")
files["JPEG Lossless, extremes"] = dataset(
    extremes, 16, JPEG + "70", imagecodecs.jpeg8_encode(extremes, lossless=True, predictor=1, bitspersample=16))
signed = grey(16, True)
files["JPEG Lossless, 16 bits, signed"] = dataset(
    signed, 16, JPEG + "70", imagecodecs.jpeg8_encode(signed.view("u2"), lossless=True, predictor=1, bitspersample=16))
files["JPEG Baseline"] = dataset(grey(8), 8, JPEG + "50", imagecodecs.jpeg8_encode(grey(8), level=90))
files["JPEG Extended, 8 bits"] = dataset(grey(8), 8, JPEG + "51", imagecodecs.jpeg8_encode(grey(8), level=90))
for level in (50, 95):
    stream = imagecodecs.jpeg8_encode(grey(12), level=level, bitspersample=12)
    files[f"JPEG Extended, 12 bits, quality {level}"] = dataset(grey(12), 12, JPEG + "51", stream)
for stored in (8, 12, 16):
    files[f"JPEG-LS, {stored} bits"] = dataset(
        pixels := grey(stored), stored, JPEG + "80", imagecodecs.jpegls_encode(pixels, level=0))
    files[f"JPEG-LS near-lossless, {stored} bits"] = dataset(
        pixels := grey(stored), stored, JPEG + "81", imagecodecs.jpegls_encode(pixels, level=3))
for stored, signed in [(8, False), (12, False), (16, False), (16, True)]:
    label = f"JPEG 2000, {stored} bits{', signed' if signed else ''}"
    files[label] = dataset(pixels := grey(stored, signed), stored, JPEG + "90", imagecodecs.jpeg2k_encode(
        pixels, codecformat="j2k", reversible=True, level=0, bitspersample=stored))
    files[f"{label}, lossy"] = dataset(pixels, stored, JPEG + "91", imagecodecs.jpeg2k_encode(
        pixels, codecformat="j2k", level=45, bitspersample=stored))

windowed = grey(12, True)
for shape in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        files[f"window {shape}, {photometric}, the first of two"] = dataset(
            windowed, 12, LITTLE, WindowCenter=[40, 0], WindowWidth=[900, 10], VOILUTFunction=shape,
            RescaleSlope="0.5", RescaleIntercept="-100", PhotometricInterpretation=photometric)
files["VOI LUT"] = dataset(
    grey(10), 10, LITTLE, VOILUTSequence=table(100, np.linspace(0, 1, 700) ** 2 * 4095, 12))
files["VOI LUT, values below 0"] = dataset(
    windowed, 12, LITTLE, VOILUTSequence=table(-500, np.arange(1000) * 4, 12, "SS"))
files["Modality LUT"] = dataset(
    grey(8), 8, LITTLE, ModalityLUTSequence=table(10, np.sqrt(np.arange(200)) * 1000, 16))
files["Modality LUT and window, implicit"] = dataset(
    grey(8), 8, IMPLICIT, ModalityLUTSequence=table(0, np.sqrt(np.arange(256)) * 1000, 16),
    WindowCenter=9000, WindowWidth=12000)
padded = grey(12, True)
padded[:, :4] = -2000
files["padding"] = dataset(padded, 12, LITTLE, PixelPaddingValue=-2000)
padded = grey(16)
padded[:3] = 65500
padded[0, 0] = 65520
files["a range of padding, inverted"] = dataset(
    padded, 16, BIG, PixelPaddingValue=65535, PixelPaddingRangeLimit=65500,
    PhotometricInterpretation="MONOCHROME1")



def text_of(values):
    return " ".join(f"{value:.3f}" if value % 1 else f"{int(value)}" for value in values.ravel())


vectors = []
for name, file in files.items():
    text = encode(file)
    read = pydicom.dcmread(io.BytesIO(base64.b64decode(text)))
    stored = read.pixel_array
    vector = {"name": name, "base64": text, "stored": text_of(stored)}
    if any(word in name for word in ("window", "LUT", "padding")):
        vector["shown"] = text_of(np.round(oracle["shown"](read, stored), 3))
    vectors.append(vector)

# Restart markers: baseline by libjpeg, in no DICOM file.
buffer = io.BytesIO()
Image.fromarray(grey(8)).save(buffer, "JPEG", quality=90, restart_marker_blocks=2)
vectors.append({
    "name": "restart markers",
    "jpeg": base64.b64encode(buffer.getvalue()).decode(),
    "stored": text_of(np.asarray(Image.open(buffer))),
})
print("[\n" + ",\n".join(json.dumps(vector) for vector in vectors) + "\n]")
