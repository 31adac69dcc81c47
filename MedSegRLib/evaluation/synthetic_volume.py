"""Synthetic volumes: a whole head with the skull on, in a contrast that no scanner makes.

Written apart from the training's synthesis, so that the judge does not share the pupil's code; the seed
fixes everything. Label maps are whole-head FreeSurfer-style ids of 1 mm, as those that train.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.anatomy import AnatomyTable, load_table
from MedSegRLib.imaging import Modality, Volume

__all__ = ["synthetic_volume", "tissue_of_labels"]

# Fluid fills the ventricles alike; vessels are alike on both sides; lesions lie in white matter.
_ALIKE = {"third_ventricle": "fluid", "fourth_ventricle": "fluid", "lateral_ventricle": "fluid"}
_OTHERS = {24: "outer fluid", 72: "fluid", 30: "vessel", 62: "vessel", 25: "lesion", 57: "lesion"}
_CHOROID = {136: "choroid", 137: "choroid", 163: "choroid", 164: "choroid", 31: "choroid", 63: "choroid"}


def tissue_of_labels(labels: npt.NDArray[np.integer], table: AnatomyTable | None = None) -> dict[int, str]:
    """Name of the tissue of every id but 0: ids of one tissue share a grey value."""
    of: dict[int, str] = {}
    for structure in load_table() if table is None else table:
        for label in structure.label_ids():
            of[label] = _ALIKE.get(structure.id, structure.id)
    of |= _OTHERS | _CHOROID
    return {int(i): of.get(int(i), f"outer {int(i)}") for i in np.unique(labels) if i}


def synthetic_volume(
    labels: npt.NDArray[np.integer], ijk_to_ras: npt.NDArray[np.float64], seed: int, name: str = "synthetic"
) -> Volume:
    """Make a volume out of a label map.

    One random grey value per tissue with some texture, blurred as by a scanner's resolution, shaded by
    a smooth field of the coil, with noise on top, of voxels outside the head too.

    Parameters
    ----------
    labels
        Ids [K, J, I], 0 outside the head.
    ijk_to_ras
        4 x 4; voxels of about 1 mm.
    seed
        The same seed makes the same volume.

    Returns
    -------
    Volume of the same grid with values from 0 to about 1000.
    """
    rng = np.random.default_rng(seed)
    tissues = tissue_of_labels(labels)
    means = {tissue: float(rng.uniform(0.1, 1.0)) for tissue in sorted(set(tissues.values()))}
    spread = {tissue: float(rng.uniform(0.01, 0.05)) for tissue in sorted(means)}
    lookup = np.zeros((2, int(labels.max()) + 1), np.float32)
    for label, tissue in tissues.items():
        lookup[:, label] = means[tissue], spread[tissue]
    grey = lookup[0][labels]
    grey += lookup[1][labels] * rng.standard_normal(labels.shape, dtype=np.float32)
    grey = _smooth(grey, float(rng.uniform(0.4, 0.8)))
    # A field over the whole head: a few random values, made smooth by cubic interpolation.
    shading = rng.normal(0, float(rng.uniform(0.05, 0.2)), (4, 4, 4)).astype(np.float32)
    coarse = sitk.GetImageFromArray(shading)
    size = labels.shape[::-1]
    coarse.SetSpacing([max(1.0, (n - 1) / 3) for n in size])
    field = sitk.Resample(
        coarse, size, sitk.Transform(), sitk.sitkBSpline, (0.0,) * 3, (1.0,) * 3, np.eye(3).ravel().tolist()
    )
    grey *= np.exp(sitk.GetArrayFromImage(field))
    grey += float(rng.uniform(0.005, 0.03)) * rng.standard_normal(labels.shape, dtype=np.float32)
    return Volume((np.abs(grey) * 1000.0).astype(np.float32), ijk_to_ras, modality=Modality.MR, name=name)


def _smooth(array: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    image = sitk.GetImageFromArray(array)
    blurred: npt.NDArray[np.float32] = sitk.GetArrayFromImage(sitk.DiscreteGaussian(image, [sigma**2] * 3))
    return blurred
