"""Reads DICOM Segmentations with highdicom, for highdicom_test.ts.

python highdicom_oracle.py FOLDER reads each FOLDER/<name>.seg.dcm and its film FOLDER/<name>.dcm, writes
the segment's pixels (0 or 1) to FOLDER/<name>.pixels, and prints a JSON list of what else it finds.
"""
import json
import pathlib
import sys
import warnings

import highdicom
import pydicom

warnings.simplefilter("ignore")
copied = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
          "StudyTime", "AccessionNumber"]


def read(path):
    name = path.name.removesuffix(".seg.dcm")
    film = pydicom.dcmread(path.parent / f"{name}.dcm")
    seg = highdicom.seg.segread(path)
    pixels = seg.get_pixels_by_source_instance([film.SOPInstanceUID], combine_segments=False)
    pixels[0, :, :, 0].astype("u1").tofile(path.parent / f"{name}.pixels")
    segment = seg.get_segment_description(1)
    return {
        "name": name,
        "shape": list(pixels.shape),
        "source": list(seg.get_source_image_uids()[0]),
        "expected": [film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID],
        "label": segment.segment_label,
        "type": segment.segmented_property_type.value,
        "category": segment.segmented_property_category.meaning,
        "algorithm": segment.algorithm_type.value,
        "differing": [key for key in copied if str(seg.get(key) or "") != str(film.get(key) or "")],
    }


json.dump([read(path) for path in sorted(pathlib.Path(sys.argv[1]).glob("*.seg.dcm"))], sys.stdout)
