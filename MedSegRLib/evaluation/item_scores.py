"""Item scores: one exchange of MedSeg-QA, what was replied to it, and how well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import Item, ItemExchange
from MedSegRLib.dataset.masks import read_ignored, read_mask
from MedSegRLib.dataset.sides import as_drawn
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume, canonical_order

from .asking import Part, Reply, Shown
from .gallery import Gallery
from .metrics import dice, iou, right_target
from .results import MATCH_IOU, RIGHT_DICE, MaskScore, PatientPart, QuestionScore, part_names
from .structures16 import PartScore

__all__ = ["GROUP", "Asked", "part_scores", "scores_of"]

GROUP = "MedSeg-QA"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """One exchange of an item in front of its scan; `turn` is counted from 1, `folder` holds the masks."""

    item: Item
    turn: int
    volume: Volume
    folder: Path

    @property
    def exchange(self) -> ItemExchange:
        """What is asked, and what is true."""
        return self.item.exchanges[self.turn - 1]

    @property
    def expected(self) -> set[Part]:
        """The parts that are there."""
        return {(t.structure, t.side) for t in self.exchange.targets if t.present}

    def judged(self, reply: Reply) -> Reply:
        """A reply by what the truth can be compared with.

        Masks are those of the scored box, without the voxels that nobody judges; those that are empty then
        are left out. Where a structure was drawn without sides, what is shown of either side is one finding.
        """
        shown: list[Shown] = []
        for one in reply.shown:
            mask = one.mask[self.box()] & ~self._unjudged
            if not mask.any():
                continue
            part = as_drawn(one.part, self.expected)
            found = Shown(part, mask, one.confidence)
            other = next((n for n, before in enumerate(shown) if before.part == part != one.part), None)
            if other is None:
                shown.append(found)
            else:
                shown[other] = Shown(part, *Reply("", (shown[other], found), False).parts()[part])
        return replace(reply, shown=tuple(shown))

    @cached_property
    def _unjudged(self) -> Mask:
        """Voxels of the scored box that the targets' masks say nothing of."""
        nothing = np.zeros(self.volume.shape_kji, np.bool_)[self.box()]
        for target in self.exchange.targets:
            if target.mask is not None and target.mask.ignored:
                nothing |= read_ignored(target.mask, self.folder, self.volume)[self.box()]
        return nothing

    def truth(self) -> dict[Part, Mask]:
        """Mask of every part that is there and drawn, in the scored box."""
        masks: dict[Part, Mask] = {}
        for target in self.exchange.targets:
            if target.present and target.mask is not None:
                mask = read_mask(target.mask, self.folder, self.volume)[self.box()] & ~self._unjudged
                if not mask.any():
                    raise DatasetError(
                        f"'{target.phrase}' of {self.item.id} is said to be there and its mask is empty; "
                        "validate the data set."
                    )
                part = (target.structure, target.side)
                masks[part] = masks[part] | mask if part in masks else mask
        return masks

    def box(self) -> tuple[slice, slice, slice]:
        """The box [K, J, I] that the conversation is about: its slices, or all of the scan."""
        box = [slice(None)] * 3
        if self.item.slices is not None and not self.volume.is_single_slice:
            order = canonical_order(self.volume.ijk_to_ras, self.item.plane)
            axis, (first, last) = order.axes[0], self.item.slices
            count = self.volume.shape_kji[axis]
            if last >= count:
                raise DatasetError(
                    f"{self.item.id} is about slices {first} to {last} of {count}; validate the data set."
                )
            box[axis] = slice(count - 1 - last, count - first) if order.flips[0] else slice(first, last + 1)
        return box[0], box[1], box[2]


def scores_of(
    asked: Asked, reply: Reply, gallery: Gallery | None = None
) -> Iterator[PatientPart | QuestionScore]:
    """Score a reply.

    A question with present targets is right if exactly those parts are shown; one without is right if
    nothing is shown and the text refuses. Each question counts once more for N-Acc (nothing present) or
    T-Acc (the parts are among those shown), and an implicit one among the implicit ones.

    Parameters
    ----------
    asked, reply
        The exchange, and what was replied.
    gallery
        Keeps pictures of the worst masks.

    Raises
    ------
    DatasetError
        If a true mask cannot be read, is empty or lies on another grid.
    """
    item, exchange, expected = asked.item, asked.exchange, asked.expected
    truth, within = asked.truth(), asked.judged(reply)
    parts = within.parts()
    score = QuestionScore(
        suite="medsegqa",
        kind=exchange.question_type.value,
        group=GROUP,
        patient=item.patient,
        question=exchange.question,
        expected=part_names(expected),
        found=part_names(parts),
        right=right_target(set(parts), expected) if expected else within.refuses,
        text=reply.text,
        structures=tuple(sorted({t.structure for t in exchange.targets})),
        modality=item.modality,
        conversation=item.id,
        turn=asked.turn,
        # Where a part is there and not drawn, nobody knows how good its mask is.
        masks=_masks(within.shown, truth) if set(truth) == expected else None,
    )
    yield score
    if not expected:
        yield replace(score, suite="absent")
    else:
        yield replace(score, suite="present", right=expected <= set(parts))
    if exchange.question_type is QuestionType.IMPLICIT:
        yield replace(score, suite="implicit")
    yield from part_scores(asked, within, truth, gallery=gallery)
    if gallery is not None and not expected:
        nothing = np.zeros(asked.volume.shape_kji, np.bool_)
        for part, (mask, _) in parts.items():
            _offer(gallery, asked, reply, part, 0.0, _whole(mask, asked), nothing, "not there: ")


def part_scores(
    asked: Asked,
    reply: Reply,
    truth: Mapping[Part, Mask],
    *,
    group: str = GROUP,
    gallery: Gallery | None = None,
) -> Iterator[PatientPart]:
    """Score the mask of every part that is there; masks are those of the box that is scored."""
    volume, item = asked.volume, asked.item
    spacing_mm = volume.spacing_mm if volume.spacing_known else None
    parts = reply.parts()
    for part, true in truth.items():
        mask, confidence = parts.get(part, (np.zeros_like(true), None))
        score = PartScore.of(part, mask, true, spacing_mm, confidence)
        kind = asked.exchange.question_type.value
        yield PatientPart(group, item.patient, score, item.modality, kind, item.id, asked.turn)
        if gallery is not None and (mask.any() or true.any()):
            _offer(gallery, asked, reply, part, score.dice, _whole(mask, asked), _whole(true, asked))


def _masks(shown: Sequence[Shown], truth: Mapping[Part, Mask]) -> MaskScore:
    everything = [one.mask for one in shown] + list(truth.values())
    nothing = np.zeros(everything[0].shape if everything else (1, 1, 1), np.bool_)
    found = np.logical_or.reduce([one.mask for one in shown]) if shown else nothing
    true = np.logical_or.reduce(list(truth.values())) if truth else nothing
    matched: set[Part] = set()
    misnamed = 0
    for one in shown:
        fits = {part: value for part, mask in truth.items() if (value := iou(one.mask, mask)) >= MATCH_IOU}
        if one.part in fits:
            matched.add(one.part)
        elif fits:
            misnamed += 1
    told = [
        (one.confidence, one.part in truth and dice(one.mask, truth[one.part]) > RIGHT_DICE)
        for one in shown
        if one.confidence is not None
    ]
    return MaskScore(
        len(truth), len(shown), len(matched), misnamed, int((found & true).sum()), int((found | true).sum()),
        tuple(value for value, _ in told), tuple(right for _, right in told),
    )  # fmt: skip


def _offer(
    gallery: Gallery,
    asked: Asked,
    reply: Reply,
    part: Part,
    value: float,
    mask: Mask,
    true: Mask,
    how: str = "",
) -> None:
    volume, item = asked.volume, asked.item
    gallery.offer(
        how + part_names([part])[0].replace("_", " "), value, volume, mask, true,
        group=GROUP, patient=item.patient, region=item.region, question=asked.exchange.question,
        text=reply.text, plane=volume.acquisition_plane if volume.is_single_slice else item.plane,
    )  # fmt: skip


def _whole(mask: Mask, asked: Asked) -> Mask:
    """Put the mask of the scored box back into the scan."""
    whole = np.zeros(asked.volume.shape_kji, np.bool_)
    whole[asked.box()] = mask
    return whole
