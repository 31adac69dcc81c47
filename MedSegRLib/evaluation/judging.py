"""Judging while training: one number for what a model answers freely about what it may be tuned on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from MedSegRLib.errors import DatasetError
from MedSegRLib.model import MedSegR
from MedSegRLib.reasoning import Session

from .cases import brain_cases
from .development import development
from .gallery import Gallery, WorstCase
from .items import medsegqa
from .results import QuestionScore
from .suites import structures16

__all__ = ["ItemsJudge", "WordsJudge"]

_GROUP = "held-out label maps"  # the name that label maps made into scans have


def _silent(_: str) -> None:
    pass


class ItemsJudge:
    """Asks the development part of a MedSeg-QA data set.

    Parameters
    ----------
    path
        The .jsonl file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, model: MedSegR) -> float:
        """gIoU from 0 to 1: the mean over all questions of the IoU of everything shown and expected.

        A question about what is not there counts 1 where nothing is shown, and else 0 (the convention of
        LISA, arXiv 2308.00692). Questions whose masks are not all known are left out.

        Raises
        ------
        DatasetError
            If no question is left, or a scan or mask cannot be read.
        """
        return self._ask(model, None)

    def worst(self, model: MedSegR) -> tuple[WorstCase, ...]:
        """Pictures of the worst masks."""
        gallery = Gallery()
        self._ask(model, gallery)
        return gallery.cases()

    def _ask(self, model: MedSegR, gallery: Gallery | None) -> float:
        opener = partial(Session, model=model)
        scores = medsegqa(self._path, opener, _silent, gallery=gallery, split="development")
        found = [
            score.masks.iou
            for score in scores
            if isinstance(score, QuestionScore) and score.suite == "medsegqa" and score.masks is not None
        ]
        if not found:
            raise DatasetError(f"{self._path} has no question in the split development that can be judged.")
        return float(np.mean(found))


class WordsJudge:
    """Asks the development questions of `development.development`, in words alone.

    Parameters
    ----------
    data
        The folder of scans.
    label_maps
        Names of the label maps that may be tuned on, for pictures.
    """

    def __init__(self, data: Path, label_maps: Sequence[str]) -> None:
        self._data, self._label_maps = data, tuple(label_maps)

    def __call__(self, model: MedSegR) -> float:
        """Share of the questions with the right targets."""
        return float(np.mean([score.right for score in development(model, self._data, _silent)]))

    def worst(self, model: MedSegR) -> tuple[WorstCase, ...]:
        """Pictures of the first structures that the model offers, on the first label map made into a scan."""
        gallery = Gallery(most=6)
        cases = brain_cases(self._data, held_out=self._label_maps[:1], groups=(_GROUP,))
        opener = partial(Session, model=model)
        for _ in structures16(cases, opener, _silent, gallery, model.config.offered[:4]):
            pass
        return gallery.cases()
