"""Running the evaluation: a model, scans, and everything that is measured of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from MedSegRLib.errors import UserInputError
from MedSegRLib.imaging import Volume
from MedSegRLib.model import MedSegR
from MedSegRLib.reasoning import Session

from .absence import absent
from .asking import Conversation, Opener
from .cases import brain_cases
from .development import development
from .drawn import few_scans
from .further import further
from .gallery import Gallery
from .items import medsegqa, predicted
from .plain import plain
from .regional import regional
from .results import PatientPart, QuestionScore, Results
from .suites import Progress, implicit, structures16
from .turns import turns

__all__ = ["MORE_SUITES", "SUITES", "evaluate", "evaluate_predictions"]

SUITES = ("structures16", "further", "implicit", "absent", "calibration")
MORE_SUITES = ("turns", "plain", "development")


def _silent(_: str) -> None:
    pass


def evaluate(
    model: MedSegR,
    data: Path,
    *,
    suites: Sequence[str] = SUITES,
    open_session: Opener | None = None,
    tell: Progress = _silent,
    patients: int | None = None,
    per_kind: int = 16,
    forced: bool = False,
) -> Results:
    """Measure a model by free text.

    Parameters
    ----------
    model
        The model.
    data
        A MedSeg-QA file (.jsonl), or a folder of scans with an index.json.
    suites
        Of a folder: which of `SUITES` and `MORE_SUITES`. "implicit" asks about other regions too, see
        `regional.regional`; "calibration" takes its masks from structures16 and further;
        "turns" asks in conversations of four, see `turns.turns`; "plain" asks nothing, see `plain.plain`;
        "development" may be tuned on, see `development.development`.
    open_session
        How a conversation about a scan begins; None for `Session(volume, model)`.
    tell
        Is told how far it is.
    patients
        At most so many patients of each group of brains; None for all.
    per_kind
        Size of the absent suite, see `absence.absent`.
    forced
        Of a MedSeg-QA file: score besides, and apart, the masks of the data set's own answers.

    Raises
    ------
    UserInputError
        If a suite is unknown or the data cannot be read.
    """
    opener = open_session or (lambda volume: _session(volume, model))
    unknown = sorted(set(suites) - {*SUITES, *MORE_SUITES})
    if unknown:
        known = ", ".join((*SUITES, *MORE_SUITES))
        raise UserInputError(f"There is no suite '{unknown[0]}'; use {known}.")
    name, gallery = f"{model.config.name} {model.config.version}", Gallery()
    if data.suffix == ".jsonl":
        return _of_items(name, medsegqa(data, opener, tell, forced=forced, gallery=gallery), gallery)
    if forced:
        raise UserInputError(f"Only a data set (.jsonl) has answers to be forced, which {data} is not.")
    brains = brain_cases(data)
    for group in {case.group for case in brains} if patients is not None else ():
        kept = [case for case in brains if case.group == group][:patients]
        brains = [case for case in brains if case.group != group or case in kept]
    if not brains:
        raise UserInputError(f"{data} holds none of the brains that are judged on; give the folder of scans.")
    real = [case for case in brains if case.group != "held-out label maps"] or brains
    parts: list[PatientPart] = []
    questions: list[QuestionScore] = []
    if {"structures16", "calibration"} & set(suites):
        parts += structures16(brains, opener, tell, gallery)
    if {"further", "calibration"} & set(suites):
        parts += further(data, model.config.offered, model.config.regions, opener, tell, gallery)
    if "turns" in suites:
        parts += turns(brains, opener, tell)
    if "plain" in suites:
        parts += plain(brains, model, tell)
    if "development" in suites:
        questions += development(model, data, tell)
    if "implicit" in suites:
        questions += implicit(real, opener, tell)
        questions += regional(data, model.config.offered, opener, tell)
    if "absent" in suites:
        others = few_scans(data)
        questions += absent(real, others, model.config.offered, opener, tell, per_kind=per_kind)
    return Results(name, tuple(parts), tuple(questions), worst=gallery.cases())


def evaluate_predictions(data: Path, predictions: Path, *, tell: Progress = _silent) -> Results:
    """Measure what another system has said to the questions of a data set; no model is opened.

    Parameters
    ----------
    data, predictions
        MedSeg-QA files (.jsonl), see `items.predicted`.
    tell
        Is told how far it is.

    Raises
    ------
    UserInputError
        If a file cannot be read or they do not fit together.
    """
    if data.suffix != ".jsonl":
        raise UserInputError(f"Predictions answer a data set (.jsonl), which {data} is not.")
    gallery = Gallery()
    source = (
        f"Answers and masks were read from {predictions.name}; nothing was asked. They tell no confidence."
    )
    return replace(
        _of_items(predictions.stem, predicted(data, predictions, tell, gallery=gallery), gallery),
        source=source,
    )


def _of_items(name: str, scores: Iterable[PatientPart | QuestionScore], gallery: Gallery) -> Results:
    known = list(scores)
    return Results(
        name,
        tuple(s for s in known if isinstance(s, PatientPart)),
        tuple(s for s in known if isinstance(s, QuestionScore)),
        worst=gallery.cases(),
    )


def _session(volume: Volume, model: MedSegR) -> Conversation:
    return Session(volume, model)
