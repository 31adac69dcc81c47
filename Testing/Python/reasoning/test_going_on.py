"""A conversation that was held elsewhere goes on, and memory that does not hold a batch does not end one."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegRLib import Session
from MedSegRLib.answers import Failed, Finished, MemoryFullError

from .conftest import EVERYTHING, NOTHING, SHAPED, head

LEFT, FOLLOW_UP = "Where is the left one?", "And the other?"


def same(a, b):
    assert (a.text, a.raw, len(a.findings)) == (b.text, b.raw, len(b.findings))
    for first, second in zip(a.findings, b.findings, strict=True):
        np.testing.assert_array_equal(first.mask, second.mask)
        assert first.confidence == pytest.approx(second.confidence, rel=1e-4)


@pytest.mark.parametrize("calibration", [EVERYTHING, NOTHING], ids=["found", "refused"])
def test_a_conversation_taken_over_is_heard_as_if_it_had_been_held_here(model, volume, calibration):
    held = Session(volume, model, calibration=calibration)
    first = held.ask(LEFT)
    answer, heard = held.ask(FOLLOW_UP), model.understanding.heard
    other = Session(volume, model, calibration=calibration)
    other.take_over([(first.question.text, first.raw, first.absent)])
    same(other.ask(FOLLOW_UP), answer)
    assert model.understanding.heard == heard and LEFT.lower() in heard
    # What came out empty is remembered as refused, though the model wrote that it is there.
    assert ("[REJ]" in heard) is (calibration is NOTHING)


def test_taking_over_replaces_what_was_said_before(model, volume):
    session = Session(volume, model, calibration=EVERYTHING)
    session.ask(LEFT)
    session.take_over([])
    assert session.history == ()
    same(session.ask(FOLLOW_UP), Session(volume, model, calibration=EVERYTHING).ask(FOLLOW_UP))
    assert LEFT.lower() not in model.understanding.heard


def test_of_a_long_conversation_the_last_exchanges_are_heard(model, volume):
    session = Session(volume, model, calibration=EVERYTHING)
    for number in range(7):
        session.ask(f"Question number {number}?")
    assert [n for n in range(7) if f"number {n}" in model.understanding.heard] == [2, 3, 4, 5, 6]
    assert len(session.history) == 7


@pytest.mark.parametrize("mode", ["ground", "generate"])
@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate")])
def test_slices_that_do_not_fit_together_are_looked_at_in_smaller_batches(model, monkeypatch, mode, error):
    volume, sizes = head((20, 20, 18)), []
    ample = Session(volume, model, calibration=SHAPED).ask(LEFT, mode=mode)
    encode = model.encode

    def narrow(images):
        if len(images) > 3:
            raise error
        sizes.append(len(images))
        return encode(images)

    monkeypatch.setattr(model, "encode", narrow)
    events = list(Session(volume, model, calibration=SHAPED).stream(LEFT, mode=mode))
    assert isinstance(events[-1], Finished)
    same(events[-1].answer, ample)
    assert max(sizes) <= 3 and sum(sizes) == len(ample.provenance.slices_looked_at) > 16


def test_a_slice_that_does_not_fit_alone_fails_as_full_memory(model, volume, monkeypatch):
    def full(images):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(model, "encode", full)
    last = list(Session(volume, model, calibration=EVERYTHING).stream(LEFT))[-1]
    assert isinstance(last, Failed) and isinstance(last.error, MemoryFullError)
