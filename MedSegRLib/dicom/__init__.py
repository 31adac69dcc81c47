"""DICOM out: answers as DICOM SEG and DICOM SR, in the study of the series that was asked about."""

from MedSegRLib.dicom.source import DicomSource
from MedSegRLib.dicom.write import write_dicom_seg, write_dicom_sr

__all__ = ["DicomSource", "write_dicom_seg", "write_dicom_sr"]
