"""What the shipped model is worth on a brain that needs no shared data: MNI152, asked by free text."""

from __future__ import annotations

import numpy as np
import pytest
from nilearn.datasets import load_mni152_gm_mask, load_mni152_wm_mask

from MedSegRLib.evaluation.asking import found_parts
from MedSegRLib.evaluation.metrics import dice
from MedSegRLib.evaluation.suites import written_questions

# Millilitres of one part in adults, after the normative data of Potvin et al. 2016 and Walhovd et al. 2011,
# made wide, upwards above all: the MNI152 space is larger than a brain, and small masks come out generous.
RANGES_ML = {
    "hippocampus": (2.0, 11.0),
    "amygdala": (0.8, 6.0),
    "caudate": (2.0, 8.0),
    "putamen": (2.5, 11.0),
    "pallidum": (0.7, 4.0),
    "thalamus": (4.0, 14.0),
    "accumbens": (0.2, 2.4),
    "ventral_diencephalon": (2.0, 12.0),
    "lateral_ventricle": (2.0, 35.0),
    "cerebral_cortex": (150.0, 420.0),
    "cerebral_white_matter": (150.0, 400.0),
    "cerebellar_cortex": (30.0, 95.0),
    "cerebellar_white_matter": (7.0, 30.0),
    "brainstem": (14.0, 45.0),
    "third_ventricle": (0.4, 4.5),
    "fourth_ventricle": (0.6, 6.0),
}
QUESTIONS = written_questions()["structures16"]


# The one question of sixteen that edition 1.1 misreads here and on some other brains (see its card):
# "right as well as left" gets one side. How a processor rounds may decide it.
MISREAD = pytest.mark.xfail(
    reason="edition 1.1 outlines one pallidum where these words ask for both", strict=False
)


@pytest.mark.parametrize(
    "structure", [pytest.param(name, marks=[MISREAD] * (name == "pallidum")) for name in sorted(RANGES_ML)]
)
def test_a_named_structure_is_found_on_its_own_sides_in_a_plausible_size(ask_once, brain, structure):
    answer = ask_once(QUESTIONS[structure])
    sides = (
        {"none"} if structure in ("brainstem", "third_ventricle", "fourth_ventricle") else {"left", "right"}
    )
    assert parts_of(answer) == {(structure, side) for side in sides}
    lies_where_it_should(answer, brain, structure)


def test_what_is_outlined_of_the_misread_pallidum_is_one_and_on_its_own_side(ask_once, brain):
    """The failure that is expected above is that a side is missing, and nothing worse."""
    answer = ask_once(QUESTIONS["pallidum"])
    assert parts_of(answer) and parts_of(answer) <= {("pallidum", "left"), ("pallidum", "right")}
    lies_where_it_should(answer, brain, "pallidum")


def lies_where_it_should(answer, brain, structure: str) -> None:
    low, high = RANGES_ML[structure]
    for finding in answer.findings:
        millilitres = finding.mask.sum() * brain.voxel_ml
        assert low < millilitres < high, f"{finding.phrase}: {millilitres:.1f} ml"
        k, j, i = np.argwhere(finding.mask).mean(axis=0)
        right_of_middle = (brain.ijk_to_ras @ (i, j, k, 1))[0]
        if finding.side.value == "left":
            assert right_of_middle < -3
        elif finding.side.value == "right":
            assert right_of_middle > 3
        else:
            assert abs(right_of_middle) < 4


def parts_of(answer) -> set[tuple[str, str]]:
    return {(structure, side.value) for structure, side in found_parts(answer)}


def _nilearn_mask(image) -> np.ndarray:
    return np.asarray(image.dataobj).astype(bool).transpose(2, 1, 0)


def test_white_matter_agrees_with_nilearns_own_map(ask_once):
    answer = ask_once(QUESTIONS["cerebral_white_matter"])
    drawn = np.any([f.mask for f in answer.findings], axis=0)
    # nilearn's map also holds the cerebellum's and the brainstem's white matter.
    assert dice(drawn, _nilearn_mask(load_mni152_wm_mask(resolution=1))) > WHITE_MATTER_DICE


def test_grey_matter_agrees_with_nilearns_own_map(ask_once):
    answers = [ask_once(QUESTIONS[name]) for name in ("cerebral_cortex", "cerebellar_cortex")]
    drawn = np.any([f.mask for answer in answers for f in answer.findings], axis=0)
    assert dice(drawn, _nilearn_mask(load_mni152_gm_mask(resolution=1))) > GREY_MATTER_DICE


# Measured 0.72 and 0.71 with edition 1.
WHITE_MATTER_DICE, GREY_MATTER_DICE = 0.69, 0.67
