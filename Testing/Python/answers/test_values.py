"""Findings, provenance, events: valid once made, and unchangeable after."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from MedSegRLib.anatomy import Side, empty_table, load_table
from MedSegRLib.answers import Cancelled, Failed, Finding, Finished, MedSegRError, Planned, SliceDone
from MedSegRLib.answers.finding import colour_of
from MedSegRLib.imaging import Plane


def test_a_finding_is_named_coded_coloured_and_placed(answer, phantom):
    left, right = answer.findings
    assert (left.name, left.structure, left.side) == ("left hippocampus", "hippocampus", Side.LEFT)
    assert "Hippocampus" in left.terminology and "^Left~" in left.terminology
    assert left.slices == tuple(np.flatnonzero(phantom.left.any(axis=(1, 2))))
    assert left.colour == tuple(part / 255 for part in load_table()["hippocampus"].colour)
    assert right.colour != left.colour


def test_slices_are_counted_in_the_canonical_view(phantom):
    found = Finding.of("left hippocampus", phantom.left, phantom.volume, Plane.CORONAL, 0.5)
    # J runs from front to back, coronal slices from back to front.
    rows = np.flatnonzero(phantom.left.any(axis=(0, 2)))
    assert found.slices == tuple(sorted(phantom.volume.shape_kji[1] - 1 - rows))


def test_what_the_table_does_not_know_keeps_its_phrase_and_always_the_same_colour(phantom):
    known = Finding.of("left hippocampus", phantom.left, phantom.volume, Plane.AXIAL, 0.5)
    found = Finding.of("the left hippocampus", phantom.left, phantom.volume, Plane.AXIAL, 0.5, empty_table())
    assert (found.name, found.structure, found.side) == ("left hippocampus", None, Side.NONE)
    assert found.colour == colour_of(None, Side.NONE, "the left hippocampus")
    assert "Tissue" in found.terminology
    assert np.array_equal(found.mask, known.mask) and found.measurements == known.measurements


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"phrase": "  "}, "phrase"),
        ({"mask": np.zeros((20, 80, 50), dtype=bool)}, "not empty"),
        ({"mask": np.ones((80, 50), dtype=bool)}, "K, J, I"),
        ({"confidence": 1.2}, "between 0 and 1"),
        ({"confidence": float("nan")}, "between 0 and 1"),
        ({"colour": (0.1, 0.2, 255.0)}, "from 0 to 1"),
        ({"slices": ()}, "rising"),
        ({"slices": (4, 3)}, "rising"),
        ({"slices": (-1, 3)}, "rising"),
    ],
)
def test_a_finding_that_contradicts_itself_is_refused(answer, change, complaint):
    with pytest.raises(ValueError, match=complaint):
        replace(answer.findings[0], **change)


def test_a_finding_does_not_change_with_the_array_it_was_made_of(phantom):
    mask = phantom.left.copy()
    found = Finding.of("left hippocampus", mask, phantom.volume, Plane.AXIAL, 0.5)
    mask[:] = False
    assert np.array_equal(found.mask, phantom.left)
    with pytest.raises(ValueError, match="read-only"):
        found.mask[0, 0, 0] = True
    with pytest.raises(FrozenInstanceError):
        found.confidence = 1.0


def test_an_answer_refuses_masks_of_another_scan(phantom):
    other = replace(phantom.volume, voxels=phantom.volume.voxels[:-1])
    with pytest.raises(ValueError, match="shape"):
        phantom.answer(volume=other)


def test_provenance_and_events_cannot_be_changed(answer):
    with pytest.raises(TypeError):
        answer.provenance.seconds["talk"] = 0.0
    event = SliceDone(1, 2, 5, {"left hippocampus": np.ones((2, 2), dtype=bool)})
    with pytest.raises(TypeError):
        event.masks["x"] = np.ones((2, 2), dtype=bool)
    with pytest.raises(FrozenInstanceError):
        Planned((1, 2), Plane.AXIAL).plane = Plane.CORONAL


def test_provenance_and_events_cross_to_another_process(answer):
    assert pickle.loads(pickle.dumps(answer.provenance)) == answer.provenance
    event = SliceDone(1, 2, 5, {"a": np.eye(2, dtype=bool)}, 3.0)
    crossed = pickle.loads(pickle.dumps(event))
    assert np.array_equal(crossed.masks["a"], event.masks["a"])
    assert (crossed.done, crossed.total, crossed.slice_index, crossed.seconds_left) == (1, 2, 5, 3.0)


@pytest.mark.parametrize(("done", "total"), [(0, 3), (4, 3), (0, 0)])
def test_more_slices_than_there_are_cannot_be_done(done, total):
    with pytest.raises(ValueError, match="cannot be done"):
        SliceDone(done, total, 0, {})


def test_a_cancelled_answer_says_that_it_is_not_complete(answer):
    with pytest.raises(ValueError, match="not complete"):
        Cancelled(answer)
    assert not Cancelled(replace(answer, complete=False)).answer.complete
    assert Finished(answer).answer.complete
    assert str(Failed(MedSegRError("No room.")).error) == "No room."
