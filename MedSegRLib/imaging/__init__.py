"""Imaging: volume, geometry, slices and windows; files in and out.

Everything is millimetres in RAS and arrays in [K, J, I]; see the files for the rest.
"""

from MedSegRLib.imaging.atomic import atomic_path
from MedSegRLib.imaging.atomic_folder import atomic_folder
from MedSegRLib.imaging.dicom import DicomSeries, find_series, list_series
from MedSegRLib.imaging.geometry import (
    AxisOrder,
    Plane,
    canonical_order,
    canonical_to_ras,
    gather_canonical,
    kji_to_ras_mm,
    ras_mm_to_kji,
    scatter_canonical,
    spacing_of,
)
from MedSegRLib.imaging.read import read_volume
from MedSegRLib.imaging.segmentation_file import Segment, read_segmentation, write_segmentation
from MedSegRLib.imaging.slices import SliceStack, scatter_slice_masks
from MedSegRLib.imaging.volume import Modality, Volume
from MedSegRLib.imaging.volume_file import write_volume
from MedSegRLib.imaging.windows import Window, ct_window, ct_window_names, mr_window, window_for

__all__ = [
    "AxisOrder",
    "DicomSeries",
    "Modality",
    "Plane",
    "Segment",
    "SliceStack",
    "Volume",
    "Window",
    "atomic_folder",
    "atomic_path",
    "canonical_order",
    "canonical_to_ras",
    "ct_window",
    "ct_window_names",
    "find_series",
    "gather_canonical",
    "kji_to_ras_mm",
    "list_series",
    "mr_window",
    "ras_mm_to_kji",
    "read_segmentation",
    "read_volume",
    "scatter_canonical",
    "scatter_slice_masks",
    "spacing_of",
    "window_for",
    "write_segmentation",
    "write_volume",
]
