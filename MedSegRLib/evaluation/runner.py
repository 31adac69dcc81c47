"""Running the evaluation: a model, scans, and everything that is measured of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from MedSegRLib.errors import UserInputError
from MedSegRLib.imaging import Volume
from MedSegRLib.model import MedSegR
from MedSegRLib.reasoning import Session

from .absence import absent
from .asking import Conversation, Opener
from .cases import brain_cases, other_region_cases
from .development import development
from .items import medsegqa
from .plain import plain
from .results import PatientPart, QuestionScore, Results
from .suites import Progress, implicit, structures16

__all__ = ["MORE_SUITES", "SUITES", "evaluate"]

SUITES = ("structures16", "implicit", "absent", "calibration")
MORE_SUITES = ("plain", "development")


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
) -> Results:
    """Measure a model by free text.

    Parameters
    ----------
    model
        The model.
    data
        A MedSeg-QA file (.jsonl), or a folder of scans with an index.json.
    suites
        Of a folder: which of `SUITES` and `MORE_SUITES`. "calibration" takes its masks from structures16;
        "plain" asks nothing, see `plain.plain`; "development" may be tuned on, see
        `development.development`.
    open_session
        How a conversation about a scan begins; None for `Session(volume, model)`.
    tell
        Is told how far it is.
    patients
        At most so many patients of each group of brains; None for all.
    per_kind
        Size of the absent suite, see `absence.absent`.

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
    if data.suffix == ".jsonl":
        scores = list(medsegqa(data, opener, tell))
        return Results(
            f"{model.config.name} {model.config.version}",
            tuple(s for s in scores if isinstance(s, PatientPart)),
            tuple(s for s in scores if isinstance(s, QuestionScore)),
        )
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
        parts += structures16(brains, opener, tell)
    if "plain" in suites:
        parts += plain(brains, model, tell)
    if "development" in suites:
        questions += development(model, data, tell)
    if "implicit" in suites:
        questions += implicit(real, opener, tell)
    if "absent" in suites:
        others = other_region_cases(data)
        questions += absent(real, others, model.config.offered, opener, tell, per_kind=per_kind)
    return Results(f"{model.config.name} {model.config.version}", tuple(parts), tuple(questions))


def _session(volume: Volume, model: MedSegR) -> Conversation:
    return Session(volume, model)
