"""That the language model decides the target, and no table, rule or class number in its place."""

from __future__ import annotations

import numpy as np
import torch

from MedSegRLib import Session
from MedSegRLib.anatomy import empty_table
from MedSegRLib.answers import Question
from MedSegRLib.evaluation.asking import found_parts
from MedSegRLib.imaging import Plane, SliceStack, Volume, window_for
from MedSegRLib.model.canvas import Canvas
from MedSegRLib.reasoning.ground import Grounder
from MedSegRLib.reasoning.memory import Memory
from MedSegRLib.reasoning.talk import conversation


def parts_of(answer) -> set[tuple[str, str]]:
    return {(structure, side.value) for structure, side in found_parts(answer)}


IMPLICIT = {
    "Which structure is the first to shrink in Alzheimer's disease?": "hippocampus",
    "Which nucleus is destroyed by Huntington's disease?": "caudate",
    "Which structure relays sensory information to the cortex?": "thalamus",
    "Which structure coordinates movement and balance?": "cerebellar_cortex",
}


def test_implicit_questions_reach_their_structures(fresh):
    found = {}
    for question in IMPLICIT:
        fresh.forget()
        found[question] = {structure for structure, _ in parts_of(fresh.ask(question))}
    assert found == {question: {structure} for question, structure in IMPLICIT.items()}


def test_with_the_anatomy_table_emptied_the_masks_stay_the_same(fresh, brain, mini):
    few = Question(next(iter(IMPLICIT)), slices=(60, 80))
    known = fresh.ask(few)
    unknown = Session(brain, mini, table=empty_table()).ask(few)
    assert len(known.findings) == len(unknown.findings) == 2
    for one, other in zip(known.findings, unknown.findings, strict=True):
        assert other.structure is None
        assert np.array_equal(one.mask, other.mask)


def test_with_the_words_exchanged_between_questions_the_targets_change(fresh):
    questions = list(IMPLICIT)
    middle = [question.split(maxsplit=2) for question in questions]
    for i, question in enumerate(questions):
        other = (i + 1) % len(questions)
        fresh.forget()
        answer = fresh.ask(Question(" ".join([*middle[i][:2], middle[other][2]]), slices=(20, 90)))
        targets = {structure for structure, _ in parts_of(answer)}
        assert targets == {IMPLICIT[questions[other]]} != {IMPLICIT[question]}


def test_exchanging_two_seg_states_exchanges_the_masks(brain, mini):
    stack = SliceStack.of(brain, Plane.AXIAL)
    config = mini.config
    canvas = Canvas(
        stack,
        window_for(brain),
        sizes=config.canvas_sizes,
        pixel_mm=config.pixel_mm,
        offsets_mm=config.slice_offsets_mm,
    )
    grounder = Grounder(mini, canvas, Memory())
    spoken = conversation(
        (), "thalamus and putamen left", "<p>left thalamus</p>[SEG] <p>left putamen</p>[SEG]"
    )
    with torch.inference_mode():
        embedding, read = grounder.recall([stack.count * 9 // 20])
        states = mini.understanding.answer_states(read, spoken)
        straight = mini.decode(embedding, states, read.image_states).mask_logits[0] > 0
        crossed = mini.decode(embedding, states.flip(1), read.image_states).mask_logits[0] > 0
    assert straight[0].any() and straight[1].any() and not torch.equal(straight[0], straight[1])
    assert torch.equal(straight, crossed.flip(0))


def test_with_the_target_cut_away_text_and_mask_change(fresh, brain, mini):
    question = "Outline the left hippocampus."
    whole = fresh.ask(question)
    assert parts_of(whole) == {("hippocampus", "left")}
    k = np.argwhere(whole.findings[0].mask)[:, 0]
    above = brain.voxels[int(k.max()) + 12 :]
    moved = brain.ijk_to_ras.copy()
    moved[:3, 3] += moved[:3, 2] * (int(k.max()) + 12)
    answer = Session(Volume(above, moved, brain.modality, "upper slab"), mini).ask(question)
    assert answer.findings == ()
    assert answer.text != whole.text and answer.absent


def test_the_other_side_is_understood_from_the_conversation(fresh):
    first = fresh.ask(Question("Show me the right putamen.", slices=(60, 90)))
    second = fresh.ask(Question("And the one on the other side?", slices=(60, 90)))
    assert (parts_of(first), parts_of(second)) == ({("putamen", "right")}, {("putamen", "left")})


def test_what_cannot_be_known_is_refused_without_a_mask(fresh):
    for question in ("Is there a tumour?", "Outline the liver.", "What is the patient's name?"):
        fresh.forget()
        answer = fresh.ask(Question(question, slices=(60, 90)))
        assert answer.findings == () and answer.text
