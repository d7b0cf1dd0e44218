"""Reads all of pydicom's own files with pydicom, for pydicom_test.ts.

python pydicom_oracle.py FOLDER prints a JSON list of files, and writes into FOLDER the stored values
of those that hold one grey frame, modulo 2**16, and 256 times what a display shows of them: modality
LUT or rescale, VOI LUT or the first window (all by pydicom), padding, inversion.
"""
import json
import pathlib
import sys
import warnings

import numpy as np
import pydicom
import data_store
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing

warnings.simplefilter("ignore")


def kind_of(dataset):
    if "PixelData" not in dataset:
        return "no image"
    if dataset.get("SamplesPerPixel", 0) != 1 or "MONO" not in dataset.get("PhotometricInterpretation", ""):
        return "colour" if "PhotometricInterpretation" in dataset else "no image"
    frames = dataset.get("NumberOfFrames")
    if frames is not None and str(frames) != "1":
        return "several frames"
    if dataset.BitsAllocated not in (8, 16):
        return f"{dataset.BitsAllocated} bits"
    return "grey"


def shown(dataset, stored):
    """The values 0 to 255 of PS3.4, N.2, unrounded."""
    values = apply_modality_lut(stored, dataset).astype(np.float64)
    padding = np.zeros(stored.shape, bool)
    if "PixelPaddingValue" in dataset:
        ends = [dataset.PixelPaddingValue, dataset.get("PixelPaddingRangeLimit", dataset.PixelPaddingValue)]
        padding = (stored >= min(ends)) & (stored <= max(ends))
    if "WindowCenter" in dataset:
        # pydicom's ramp is made for the range of the stored bits after rescaling
        signed = dataset.PixelRepresentation == 1
        bits = dataset.BitsStored
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        if "ModalityLUTSequence" in dataset:
            low, high = 0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1
        else:
            slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
            low, high = low * slope + intercept, high * slope + intercept
        levels = (apply_windowing(values, dataset, index=0) - low) / (high - low) * 255
    elif "VOILUTSequence" in dataset:
        table = apply_voi_lut(values.astype(np.int64), dataset, index=0)
        levels = table / (2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1) * 255
    elif dataset.BitsAllocated == 8 and dataset.PixelRepresentation == 0 and np.array_equal(values, stored):
        levels = values
    else:
        inside = values[~padding]
        span = inside.max() - inside.min()
        levels = (values - inside.min()) / span * 255 if span else values * 0
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        levels = 255 - levels
    return np.where(padding, 0, levels)


def main(folder):
    folder = pathlib.Path(folder)
    found = []
    for root in [pathlib.Path(pydicom.__file__).parent / "data", pathlib.Path(data_store.__file__).parent]:
        for path in sorted(root.rglob("*")):
            if not path.is_file() or path.suffix in (".py", ".pyc", ".json", ".txt", ".md"):
                continue
            if path.read_bytes()[128:132] != b"DICM":
                continue
            entry = {"name": path.relative_to(root).as_posix(), "path": str(path)}
            found.append(entry)
            entry.update(transferSyntax="", kind="damaged", rows=0, columns=0)
            try:
                dataset = pydicom.dcmread(path)
                entry["transferSyntax"] = str(dataset.file_meta.get("TransferSyntaxUID", ""))
                entry["kind"] = kind_of(dataset)
                entry["rows"], entry["columns"] = dataset.get("Rows") or 0, dataset.get("Columns") or 0
                if entry["kind"] == "grey":
                    stored = dataset.pixel_array
                    name = f"{len(found)}.pixels"
                    stored.astype("<u2").tofile(folder / name)
                    entry["pixels"] = name
                    levels = np.rint(shown(dataset, stored) * 256)
                    levels.astype("<u2").tofile(folder / f"{len(found)}.shown")
                    entry["shown"] = f"{len(found)}.shown"
            except Exception as error:
                entry["error"] = str(error).split("\n")[0][:200]
    json.dump(found, sys.stdout)


main(sys.argv[1])
