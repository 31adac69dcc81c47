"""Make the made-up bodies of this example: a few ellipsoids each, nobody's anatomy.

cd Examples/medsegqa
python make_phantoms.py
medsegr dataset build recipe.toml -o . --data sources.jsonl
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.source import Source, SourceLabel
from MedSegRLib.dataset.source_file import write_sources

HERE = Path(__file__).resolve().parent
SHAPE_KJI, SPACING_MM = (20, 32, 32), (5.0, 5.0, 6.0)
L, R, N = Side.LEFT, Side.RIGHT, Side.NONE

# Structure, side, centre and radii in voxels (I to the patient's left, J to the back, K to the head).
Triple = tuple[float, float, float]
BODIES: dict[str, tuple[str, list[tuple[str, Side, Triple, Triple]]]] = {
    "abdomen": ("CT", [
        ("liver", N, (9, 12, 11), (6, 7, 8)), ("spleen", N, (25, 17, 12), (3, 5, 5)),
        ("stomach", N, (20, 10, 12), (4, 5, 6)), ("kidney", R, (9, 22, 8), (3, 3, 5)),
        ("kidney", L, (23, 24, 8), (3, 3, 5)), ("aorta", N, (17, 19, 10), (1.6, 1.6, 8)),
        ("vertebra_l1", N, (16, 25, 5), (3, 3, 3)), ("pancreas", N, (16, 16, 9), (4, 1.6, 2)),
    ]),
    "brain": ("MR", [
        ("cerebral_white_matter", R, (10, 15, 11), (6, 11, 8)),
        ("cerebral_white_matter", L, (22, 15, 11), (6, 11, 8)),
        ("lateral_ventricle", R, (13, 14, 12), (1.8, 6, 4)),
        ("lateral_ventricle", L, (19, 14, 12), (1.8, 6, 4)),
        ("thalamus", R, (13, 18, 9), (2.2, 3, 2.2)), ("thalamus", L, (19, 18, 9), (2.2, 3, 2.2)),
        ("hippocampus", R, (10, 19, 7), (1.8, 4, 2)), ("hippocampus", L, (22, 19, 7), (1.8, 4, 2)),
        ("brainstem", N, (16, 20, 5), (3, 3, 4)),
    ]),
    "head_neck": ("CT", [
        ("mandible", N, (16, 8, 9), (7, 3, 2)), ("parotid_gland", R, (7, 15, 12), (2.4, 3, 5)),
        ("parotid_gland", L, (25, 15, 12), (2.4, 3, 5)), ("spinal_cord", N, (16, 22, 10), (1.8, 1.8, 8)),
        ("larynx", N, (16, 12, 5), (3, 3, 4)), ("brainstem", N, (16, 20, 17), (3, 3, 2)),
    ]),
    "spine": ("MR", [
        ("vertebra_l1", N, (16, 14, 16), (4, 4, 1.6)), ("vertebra_l2", N, (16, 14, 13), (4, 4, 1.6)),
        ("vertebra_l3", N, (16, 14, 10), (4, 4, 1.6)), ("vertebra_l4", N, (16, 14, 7), (4, 4, 1.6)),
        ("vertebra_l5", N, (16, 14, 3.4), (4, 4, 2.0)), ("spinal_canal", N, (16, 21, 10), (2.4, 2.4, 8.6)),
    ]),
    "pelvis": ("CT", [
        ("urinary_bladder", N, (16, 10, 9), (4, 4, 5)), ("prostate", N, (16, 12, 4), (2.6, 2.6, 2)),
        ("hip_bone", R, (8, 14, 12), (2.4, 6, 7)), ("hip_bone", L, (24, 14, 12), (2.4, 6, 7)),
        ("femur", R, (5, 15, 5), (2.4, 2.4, 4)), ("femur", L, (27, 15, 5), (2.4, 2.4, 4)),
        ("sacrum", N, (16, 24, 11), (4, 3, 6)),
    ]),
}  # fmt: skip


def main() -> None:
    table, sources = load_table(), []
    (HERE / "labels").mkdir(exist_ok=True)
    k, j, i = np.indices(SHAPE_KJI)
    for region, (modality, parts) in BODIES.items():
        values, labels = np.zeros(SHAPE_KJI, np.uint8), []
        # The body itself has a label without a name in the anatomy table.
        values[(((i - 16) / 15) ** 2 + ((j - 16) / 14) ** 2 <= 1)] = 200
        path = HERE / "labels" / f"{region}.nii.gz"
        for value, (structure, side, (x, y, z), (a, b, c)) in enumerate(parts, 1):
            inside = ((i - x) / a) ** 2 + ((j - y) / b) ** 2 + ((k - z) / c) ** 2 <= 1
            values[inside] = value
            labels.append(SourceLabel(path, value, table[structure].side_name(side), structure, side))
        labels.append(SourceLabel(path, 200, "rest of the body", None))
        image = sitk.GetImageFromArray(values)
        image.SetSpacing(SPACING_MM)
        sitk.WriteImage(image, str(path), True)
        named = {"split": "train", "origin": "phantoms"}
        sources.append(Source(f"phantom-{region}", "1", None, tuple(labels), modality, region, **named))
    write_sources(HERE / "sources.jsonl", sources)


if __name__ == "__main__":
    main()
