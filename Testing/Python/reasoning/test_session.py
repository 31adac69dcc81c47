"""A session: order of events, stopping anywhere, what is remembered, grids, both modes, conversations."""

from __future__ import annotations

from itertools import accumulate, count, takewhile

import numpy as np
import pytest
import torch

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

from .conftest import EVERYTHING, NOTHING, SHAPED, head

LEFT, BOTH, ABSENT, FOLLOW_UP = (
    "Where is the left one?",
    "Show both.",
    "Is the heart there?",
    "And the other?",
)
EVERY_OTHER = "Find it on every other one."


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


def cut(session, question, limit, **options):
    """Events of an answer that is stopped at the `limit`-th time of asking, and how often it was asked."""
    asked = count()
    events = list(session.stream(question, stop=lambda: next(asked) >= limit, **options))
    return events, next(asked)


@pytest.mark.parametrize("mode", ["ground", "generate"])
def test_stopping_at_any_token_or_slice_keeps_what_is_done(model, volume, mode):
    session = Session(volume, model, calibration=EVERYTHING)
    whole, asked = cut(session, LEFT, 10**6, mode=mode)
    slices = [event for event in whole if isinstance(event, SliceDone)]
    words = sum(isinstance(event, Text) for event in whole)
    assert isinstance(whole[-1], Finished) and whole[-1].answer.findings and len(slices) > 2
    assert asked > words + len(slices)
    reached = set()
    for limit in range(asked):
        events, times = cut(session, LEFT, limit, mode=mode)
        last = events[-1]
        assert isinstance(last, Cancelled) and not last.answer.complete
        assert times == limit + 1, "once stopped, nothing asks again"
        assert not any(isinstance(e, Cancelled | Finished | Failed | FindingReady) for e in events[:-1])
        shown = "".join(e.delta for e in events if isinstance(e, Text))
        assert last.answer.text == shown and whole[-1].answer.text.startswith(shown)
        done = [event for event in events if isinstance(event, SliceDone)]
        indices = tuple(event.slice_index for event in done)
        assert indices == tuple(event.slice_index for event in slices[: len(done)])
        for event, uncut in zip(done, slices, strict=False):
            np.testing.assert_array_equal(event.masks["left hippocampus"], uncut.masks["left hippocampus"])
        reached.add((len(done), len(shown)))
        if done:
            (finding,) = last.answer.findings
            assert finding.slices == indices == last.answer.provenance.slices_looked_at
        else:
            assert last.answer.findings == ()
    assert {slices_done for slices_done, _ in reached} == set(range(len(slices)))
    # Words come before the slices in one mode and after them in the other, where no stop falls between.
    written = takewhile(lambda event: not isinstance(event, SliceDone), whole)
    lengths = accumulate(len(event.delta) for event in written if isinstance(event, Text))
    assert {n for done, n in reached if done == 0} == {0, *lengths}
    assert len(session.history) == 1
    session.forget()
    same(session.ask(LEFT, mode=mode), whole[-1].answer)


def test_a_stop_among_the_first_slices_leaves_the_others_alone(model):
    session = Session(head((40, 20, 18)), model, calibration=EVERYTHING)
    kinds: list[type] = []
    for event in session.stream(LEFT, stop=lambda: SliceDone in kinds):
        kinds.append(type(event))
    assert kinds.count(SliceDone) == 1 and kinds[-1] is Cancelled
    assert 0 < model.encoded < len(event.answer.volume.voxels) / 2
    assert len(event.answer.findings[0].slices) == 1


def test_a_follow_up_encodes_nothing_again_and_knows_what_was_said(model, volume):
    session = Session(volume, model, calibration=EVERYTHING)
    session.ask(LEFT)
    first = model.encoded
    assert first == len(session.history[0].provenance.slices_looked_at)
    seen = []
    tower = model.understanding.model.model.vision_tower
    hook = tower.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    answer = session.ask(FOLLOW_UP)
    assert model.encoded == first and seen == [], "neither slices nor pictures are seen a second time"
    heard = model.understanding.heard
    assert (
        0 < heard.index(LEFT.lower()) < heard.index(session.history[0].raw) < heard.index(FOLLOW_UP.lower())
    )
    assert [f.phrase for f in answer.findings] == ["right hippocampus"]
    assert [a.question.text for a in session.history] == [LEFT, FOLLOW_UP]
    session.forget()
    assert session.history == ()
    hook.remove()
    same(session.ask(FOLLOW_UP), Session(volume, model, calibration=EVERYTHING).ask(FOLLOW_UP))


def test_without_room_to_remember_the_answer_is_the_same(model, volume):
    ample = Session(volume, model, calibration=SHAPED)
    cramped = Session(volume, model, calibration=SHAPED, memory_bytes=0)
    answer = ample.ask(LEFT)
    assert 0 < answer.findings[0].mask.mean() < 1
    same(answer, cramped.ask(LEFT))
    same(ample.ask(FOLLOW_UP), cramped.ask(FOLLOW_UP))


def test_a_folder_keeps_slices_for_the_same_scan_place_and_model_only(model, volume, tmp_path):
    def ask(volume, model):
        before = model.encoded
        answer = Session(volume, model, calibration=SHAPED, cache_folder=tmp_path).ask(LEFT)
        return answer, model.encoded - before

    answer, made = ask(volume, model)
    again, nothing = ask(volume, model)
    assert made > 0 and nothing == 0
    assert 0 < answer.findings[0].mask.mean() < 1
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
    spoilt, made = ask(volume, model)
    assert made > 0
    repaired, nothing = ask(volume, model)
    assert nothing == 0
    same(spoilt, repaired)


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


def test_a_question_may_want_another_plane_that_the_model_knows(model, volume, monkeypatch):
    monkeypatch.setattr(model, "config", model.config.with_(other_planes=("sagittal",)))
    session = Session(volume, model, calibration=EVERYTHING)
    planes = [session.ask(LEFT, **options) for options in ({}, {"plane": "sagittal"}, {"plane": "axial"}, {})]
    assert [answer.provenance.plane.value for answer in planes] == ["axial", "sagittal", "axial", "axial"]
    same(planes[1], Session(volume, model, plane="sagittal", calibration=EVERYTHING).ask(LEFT))


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


def test_a_folder_that_cannot_be_made_fails_in_a_sentence(model, volume, tmp_path):
    (tmp_path / "file").write_text("in the way")
    session = Session(volume, model, calibration=EVERYTHING, cache_folder=tmp_path / "file")
    last = list(session.stream(LEFT))[-1]
    assert isinstance(last, Failed) and "cannot be made" in str(last.error)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory")])
def test_a_full_memory_fails_in_a_sentence(model, volume, monkeypatch, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(model, "encode", full)
    last = list(Session(volume, model, calibration=EVERYTHING).stream(LEFT))[-1]
    assert isinstance(last, Failed) and "not enough memory" in str(last.error)


def test_another_error_of_the_library_below_is_not_taken_for_a_full_memory(model, volume, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(model, "encode", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        list(Session(volume, model, calibration=EVERYTHING).stream(LEFT))


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


def test_what_is_found_stays_where_the_rest_of_the_words_is_revised(model, volume):
    Session(volume, model, calibration=EVERYTHING).ask(BOTH)
    best = dict(zip(("left", "right"), torch.cat(model.presence).amax(0).tolist(), strict=True))
    there, missing = sorted(best, key=best.get, reverse=True)
    between = Calibration(sum(best.values()) / 2, sum(best.values()) / 2, mask_threshold_logit=-1000.0)
    assert best[missing] < between.presence_high < best[there]
    events = list(Session(volume, model, calibration=between).stream(BOTH))
    answer = events[-1].answer
    kinds = [type(event) for event in events]
    (revision,) = [event for event in events if isinstance(event, Revised)]
    assert kinds.count(FindingReady) == 1 and kinds.index(FindingReady) < kinds.index(Revised)
    assert [finding.phrase for finding in answer.findings] == [f"{there} hippocampus"]
    assert answer.absent == (f"{missing} hippocampus",)
    assert revision.text == (
        "left hippocampus, right hippocampus. But on looking closely: "
        f"I do not see the {missing} hippocampus on this scan."
    )
    measured = answer.text.removeprefix(revision.text)
    assert measured.startswith(f" The {there} hippocampus measures") and missing not in measured
    assert answer.provenance.notes == ("The text was corrected, since no mask was found for a part of it.",)


def test_generating_finds_a_thing_only_on_the_slices_whose_own_words_do(model, volume):
    answer = Session(volume, model, calibration=EVERYTHING).ask(EVERY_OTHER, mode="generate")
    looked_at = answer.provenance.slices_looked_at
    (finding,) = answer.findings
    assert finding.slices == looked_at[1::2] and len(looked_at) > 3
    assert answer.raw == "The <p>brainstem</p>[SEG] is here."
    assert answer.text.startswith("The brainstem is here. The brainstem measures")


def test_a_refusal_gets_no_mask_and_grounds_nothing(model, volume):
    answer = Session(volume, model, calibration=EVERYTHING).ask(ABSENT)
    assert (answer.text, answer.findings, answer.absent) == ("No heart.", (), ("heart",))
    assert model.encoded == 0


def test_a_model_that_says_nothing_is_not_passed_on_as_an_empty_answer(model, volume):
    answer = Session(volume, model).ask(Question("hm 1"))
    assert "no answer" in answer.text
    assert answer.text.endswith("You can ask me about 2 structures, such as the hippocampus and amygdala.")


def test_a_thing_that_is_found_is_not_told_as_absent_by_another_slice(model, volume):
    answer = Session(volume, model, calibration=EVERYTHING).ask(EVERY_OTHER, mode="generate")
    assert not {finding.phrase for finding in answer.findings} & set(answer.absent)


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


def test_given_words_are_found_as_if_they_had_been_the_answer_and_nothing_is_remembered(model, volume):
    session = Session(volume, model, calibration=SHAPED)
    own = session.ask(BOTH)
    fresh = Session(volume, model, calibration=SHAPED)
    given = fresh.ground(BOTH, own.raw)
    same(given, own)
    assert fresh.history == () and "talk" not in given.provenance.seconds
    # The model itself would have answered with one.
    assert len(fresh.ground(Question(LEFT), own.raw).findings) == 2
    same(fresh.ask(BOTH), own)


def test_words_that_are_none_cannot_be_found(model, volume):
    with pytest.raises(QuestionError, match="There are no words to find anything for; give an answer"):
        Session(volume, model).ground(LEFT, "  ")
