"""A session: order of events, stopping anywhere, what is remembered, grids, both modes, conversations."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from MedSegRLib import Session
from MedSegRLib.anatomy import empty_table
from MedSegRLib.answers import (
    Cancelled,
    Failed,
    FindingReady,
    Finished,
    Planned,
    Question,
    Revised,
    SliceDone,
    Text,
)
from MedSegRLib.errors import QuestionError, UserInputError
from MedSegRLib.imaging import Plane
from MedSegRLib.model import tiny_model
from MedSegRLib.reasoning import Calibration

LEFT, BOTH, ABSENT, FOLLOW_UP = (
    "Where is the left one?",
    "Show both.",
    "Is the heart there?",
    "And the other?",
)
EVERYTHING = Calibration(presence_low=0.0, presence_high=0.0, mask_threshold_logit=-1000.0)
NOTHING = Calibration(presence_low=1.0, presence_high=1.0)


def same(a, b):
    assert a.text == b.text and a.raw == b.raw and len(a.findings) == len(b.findings)
    for first, second in zip(a.findings, b.findings, strict=True):
        np.testing.assert_array_equal(first.mask, second.mask)
        assert first.confidence == second.confidence


@pytest.mark.parametrize("mode", ["ground", "generate"])
def test_events_come_in_order_and_end_once(model, volume, mode):
    events = list(Session(volume, model, calibration=EVERYTHING).stream(BOTH, mode=mode))
    kinds = [type(event) for event in events]
    assert kinds[0] is Planned and kinds[-1] is Finished and kinds.count(Finished) == 1
    slices = [event for event in events if isinstance(event, SliceDone)]
    assert [event.slice_index for event in slices] == list(events[0].slices)
    assert [event.done for event in slices] == list(range(1, len(slices) + 1))
    assert slices[-1].seconds_left == 0.0
    assert set(slices[0].masks) == {"left hippocampus", "right hippocampus"}
    assert slices[0].masks["left hippocampus"].shape == (20, 18)
    answer = events[-1].answer
    ready = [event.finding for event in events if isinstance(event, FindingReady)]
    assert [f.phrase for f in ready] == ["left hippocampus", "right hippocampus"]
    assert ready == list(answer.findings)
    last_slice, first_ready = len(kinds) - 1 - kinds[::-1].index(SliceDone), kinds.index(FindingReady)
    assert last_slice < first_ready < len(kinds) - kinds[::-1].index(Text)
    assert "".join(e.delta for e in events if isinstance(e, Text)) == answer.text
    assert answer.text.startswith("left hippocampus, right hippocampus. The left hippocampus measures")
    assert answer.complete and answer.provenance.mode == mode


def test_stopping_at_any_token_or_slice_keeps_what_is_done(model, volume):
    session = Session(volume, model, calibration=EVERYTHING)
    whole = list(session.stream(LEFT))
    kinds_seen = set()
    for limit in (0, 1, 5, 12, 21, 22, 24, 26):
        asked = count()
        events = list(session.stream(LEFT, stop=lambda asked=asked, limit=limit: next(asked) >= limit))
        last = events[-1]
        if isinstance(last, Finished):
            continue
        assert isinstance(last, Cancelled) and not last.answer.complete
        assert sum(isinstance(e, Cancelled | Finished | Failed) for e in events) == 1
        shown = "".join(e.delta for e in events if isinstance(e, Text))
        assert last.answer.text == shown and whole[-1].answer.text.startswith(shown)
        done = [e.slice_index for e in events if isinstance(e, SliceDone)]
        kinds_seen.add("slice" if done else "token")
        if done:
            (finding,) = last.answer.findings
            assert set(finding.slices) <= set(done)
            assert last.answer.provenance.slices_looked_at == tuple(done)
    assert kinds_seen == {"slice", "token"}
    assert len(session.history) == 1
    session.forget()
    same(session.ask(LEFT), whole[-1].answer)


def test_a_follow_up_encodes_nothing_again_and_knows_what_was_said(model, volume):
    session = Session(volume, model, calibration=EVERYTHING)
    session.ask(LEFT)
    first = model.encoded
    assert first == len(session.history[0].provenance.slices_looked_at)
    answer = session.ask(FOLLOW_UP)
    assert model.encoded == first
    assert [f.phrase for f in answer.findings] == ["right hippocampus"]
    assert [a.question.text for a in session.history] == [LEFT, FOLLOW_UP]
    assert session.suggestions()[0] == "How large is it?"
    session.forget()
    assert session.history == ()
    same(session.ask(FOLLOW_UP), Session(volume, model, calibration=EVERYTHING).ask(FOLLOW_UP))


def test_without_room_to_remember_the_answer_is_the_same(model, volume):
    ample = Session(volume, model, calibration=EVERYTHING)
    cramped = Session(volume, model, calibration=EVERYTHING, memory_bytes=0)
    same(ample.ask(LEFT), cramped.ask(LEFT))
    same(ample.ask(FOLLOW_UP), cramped.ask(FOLLOW_UP))


def test_a_folder_keeps_slices_for_the_same_scan_place_and_model_only(model, volume, tmp_path):
    def ask(volume, model):
        before = model.encoded
        answer = Session(volume, model, calibration=EVERYTHING, cache_folder=tmp_path).ask(LEFT)
        return answer, model.encoded - before

    answer, made = ask(volume, model)
    again, nothing = ask(volume, model)
    assert made > 0 and nothing == 0
    same(answer, again)
    moved = type(volume)(volume.voxels, np.diag([-2.0, -2.0, 3.5, 1.0]), volume.modality)
    assert ask(moved, model)[1] > 0
    voxels = volume.voxels.copy()
    voxels[3, 9, 9] += 1
    assert ask(type(volume)(voxels, volume.ijk_to_ras, volume.modality), model)[1] > 0
    model.load_state_dict(tiny_model(1).state_dict())
    assert ask(volume, model)[1] > 0
    for file in tmp_path.rglob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:100])
    assert ask(volume, model)[1] > 0


OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = np.array([[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]]) @ np.diag([-2.0, 2.0, 3.0])
SAGITTAL = np.array([[0, 0, 4.0, 0], [2.0, 0, 0, 0], [0, -2.0, 0, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize("ijk_to_ras", [OBLIQUE, SAGITTAL], ids=["oblique", "sagittal"])
def test_masks_lie_on_the_scans_own_grid(model, volume, ijk_to_ras):
    turned = type(volume)(volume.voxels, ijk_to_ras, volume.modality)
    answer = Session(turned, model, calibration=EVERYTHING).ask(LEFT)
    (finding,) = answer.findings
    assert finding.mask.shape == turned.shape_kji and finding.plane is Plane.AXIAL
    # Everything that was looked at is above the threshold, so slices come back whole, and no others.
    axis = 1 if ijk_to_ras is SAGITTAL else 0
    filled = np.flatnonzero(finding.mask.all(axis=tuple(a for a in range(3) if a != axis)))
    assert len(filled) == len(answer.provenance.slices_looked_at)
    assert finding.mask.sum() == len(filled) * finding.mask.size / finding.mask.shape[axis]


def test_a_single_slice_in_another_plane_is_taken_as_it_is_and_said(model, volume):
    coronal = type(volume)(volume.voxels[:, 10:11], volume.ijk_to_ras, volume.modality)
    answer = Session(coronal, model, calibration=EVERYTHING).ask(LEFT)
    assert answer.findings[0].plane is Plane.CORONAL
    assert any("single coronal slice" in note for note in answer.provenance.notes)


def test_a_plane_the_model_does_not_know_is_refused(model, volume):
    with pytest.raises(UserInputError, match="trained on axial slices only"):
        Session(volume, model).ask(LEFT, plane="coronal")
    with pytest.raises(UserInputError, match="no plane 'upside'"):
        Session(volume, model, plane="upside")


def test_a_range_of_slices_is_all_that_is_looked_at(model, volume):
    session = Session(volume, model, calibration=EVERYTHING)
    answer = session.ask(LEFT, slices=(2, 3))
    assert answer.findings[0].slices == answer.provenance.slices_looked_at == (2, 3)
    assert session.ask(LEFT, slices=4).findings[0].slices == (4,)
    with pytest.raises(QuestionError, match="slices 0 to 5"):
        session.ask(LEFT, slices=(2, 6))


def test_an_empty_question_fails_in_a_sentence(model, volume):
    (event,) = Session(volume, model).stream("  ?! ")
    assert isinstance(event, Failed) and isinstance(event.error, QuestionError)
    with pytest.raises(QuestionError):
        Session(volume, model).ask("")


def test_words_without_masks_are_revised_and_remembered_as_refused(model, volume):
    session = Session(volume, model, calibration=NOTHING)
    events = list(session.stream(LEFT))
    answer = events[-1].answer
    (revision,) = [event for event in events if isinstance(event, Revised)]
    assert revision.text == answer.text == "I do not see the left hippocampus on this scan."
    assert answer.findings == () and answer.absent == ("left hippocampus",)


def test_a_refusal_gets_no_mask_and_grounds_nothing(model, volume):
    answer = Session(volume, model, calibration=EVERYTHING).ask(ABSENT)
    assert (answer.text, answer.findings, answer.absent) == ("No heart.", (), ("heart",))
    assert model.encoded == 0


def test_a_model_that_says_nothing_is_not_passed_on_as_an_empty_answer(model, volume):
    assert "no answer" in Session(volume, model).ask(Question("hm 1")).text


def test_masks_do_not_depend_on_the_anatomy_table(model, volume):
    known = Session(volume, model, calibration=EVERYTHING).ask(BOTH)
    bare = Session(volume, model, calibration=EVERYTHING, table=empty_table()).ask(BOTH)
    for a, b in zip(known.findings, bare.findings, strict=True):
        np.testing.assert_array_equal(a.mask, b.mask)
        assert (a.structure, b.structure) == ("hippocampus", None)


def test_drawn_words_repeat_with_their_seed(volume):
    def raw(seed):
        return Session(volume, tiny_model(0), temperature=1.0).ask(LEFT, seed=seed, slices=2).raw

    assert raw(3) == raw(3) != raw(4)
