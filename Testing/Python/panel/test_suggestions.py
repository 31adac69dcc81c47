"""What is suggested: of what the scan may show."""

from __future__ import annotations

import pytest

from MedSegRLib.anatomy import load_table
from MedSegRLib.imaging import Modality
from MedSegRLib.panel.shown import Row
from MedSegRLib.panel.suggestions import suggest
from MedSegRLib.service import ModelInfo

HEADS_AND_BELLIES = ModelInfo(
    "both", "1", ("brain", "abdomen"), ("MR", "CT"), ("hippocampus", "amygdala", "liver", "kidney"), ""
)


def suggested(modality: Modality, *found: str) -> str:
    rows = tuple(Row(name, name, "1 ml", 0.9, (1.0, 0.0, 0.0)) for name in found)
    return " ".join(suggest(HEADS_AND_BELLIES, modality, load_table(), rows))


@pytest.mark.parametrize(
    ("modality", "heads"), [(Modality.CT, False), (Modality.MR, True), (Modality.UNKNOWN, True)]
)
def test_nothing_is_suggested_that_the_modality_does_not_show(modality, heads):
    text = suggested(modality)
    assert ("hippocampus" in text or "amygdala" in text) is heads
    assert "liver" in text or "kidney" in text


def test_after_a_finding_its_own_region_is_suggested():
    text = suggested(Modality.MR, "left hippocampus", "right hippocampus")
    assert "amygdala" in text and "liver" not in text and "kidney" not in text
    text = suggested(Modality.MR, "liver", "left kidney")
    assert "kidney" in text and "hippocampus" not in text and "amygdala" not in text
