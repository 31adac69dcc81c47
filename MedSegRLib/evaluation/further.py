"""Further: every structure beyond those of the brain that a model offers, on the scans that draw it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.sides import as_drawn
from MedSegRLib.imaging import Modality, read_volume

from .asking import Opener, Part, found_parts
from .drawn import drawn_parts, fewer_slices, other_scans
from .gallery import Gallery
from .results import PatientPart, part_names
from .structures16 import PartScore
from .suites import Progress, written_questions

__all__ = ["further"]

Mask = npt.NDArray[np.bool_]


def further(
    data: Path,
    offered: Collection[str],
    regions: Collection[str],
    open_session: Opener,
    tell: Progress,
    gallery: Gallery | None = None,
) -> Iterator[PatientPart]:
    """Ask for each structure that a scan draws, one question each, one conversation for each question.

    Where the two sides were drawn as one, what is shown of either counts towards it. Single slices of a
    patient are scored one by one.

    Parameters
    ----------
    data
        A folder of scans with an index.json.
    offered, regions
        The structures that the model offers, and the regions that it knows; brains are left out.
    open_session, tell, gallery
        See `suites.structures16`.

    Raises
    ------
    DatasetError
        If the index or a label map is not as it must be.
    """
    table, questions = load_table(), written_questions()["further"]
    asked = [name for name in questions if name in offered]
    for source in fewer_slices(list(other_scans(data, table, regions)) if asked else []):
        truths = drawn_parts(source, asked, table)
        if not truths or source.image is None:
            continue
        volume = read_volume(source.image, modality=Modality(source.modality))
        session = open_session(volume)
        scores = []
        for structure in dict.fromkeys(name for name, _ in truths):
            session.forget()
            answer = session.ask(questions[structure])
            found: dict[Part, tuple[Mask, float]] = {}
            for part, (mask, confidence) in found_parts(answer).items():
                known = as_drawn(part, truths)
                before, least = found.get(known, (np.zeros_like(mask), confidence))
                found[known] = (before | mask, min(least, confidence))
            for part, truth in truths.items():
                if part[0] != structure:
                    continue
                mask, confidence = found.get(part, (np.zeros_like(truth), 0.0))
                spacing = None if volume.is_single_slice else volume.spacing_mm
                score = PartScore.of(part, mask, truth, spacing, confidence if mask.any() else None)
                scores.append(score)
                name = part_names([part])[0].replace("_", " ")
                if gallery is not None and gallery.wants(name, score.dice):
                    gallery.offer(
                        name, score.dice, volume, mask, truth, group=source.origin, patient=source.patient,
                        region=source.region, question=questions[structure], text=answer.text,
                    )  # fmt: skip
                yield PatientPart(source.origin, source.patient, score, modality=source.modality)
        mean = sum(score.dice for score in scores) / len(scores)
        tell(f"{source.patient}, {source.study}: mean Dice {mean:.3f} of {len(scores)} parts")
