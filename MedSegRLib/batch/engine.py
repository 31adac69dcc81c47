"""Engine: a whole batch, from inputs and questions to a folder of results.

    result = run("studies/", "questions.toml", "out/", workers=2)
    result.exit_code, result.failures

The output folder holds `studies/` (a folder for each study: masks, JSON, report), `findings.csv`,
`index.html` and `failures.json`. Run again, it goes on: what is answered and still holds is not asked again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from MedSegRLib.batch.asking import SessionFactory, Stopped
from MedSegRLib.batch.checks import check_choices, check_formats, check_output
from MedSegRLib.batch.fingerprints import model_fingerprint
from MedSegRLib.batch.identities import read_pseudonyms
from MedSegRLib.batch.lock import locked
from MedSegRLib.batch.plan import Plan, Task, plan
from MedSegRLib.batch.pool import run_all
from MedSegRLib.batch.private import owner_only
from MedSegRLib.batch.progress import Progress
from MedSegRLib.batch.question_file import read_questions
from MedSegRLib.batch.questions import QuestionFile
from MedSegRLib.batch.record import read_record
from MedSegRLib.batch.result import BatchResult
from MedSegRLib.batch.settings import Format, Settings
from MedSegRLib.batch.space import check_space
from MedSegRLib.batch.summary import STUDIES, Summary
from MedSegRLib.batch.transaction import DiskFullError, Outcome, answer_study
from MedSegRLib.batch.workers import Workers
from MedSegRLib.errors import OutputError, UserInputError

__all__ = ["planned", "run"]

# What a run that was killed has left half-written.
_PARTIAL = re.compile(r"\.[0-9a-f]{12}-")
_GOES_ON = "Stopped; the same command goes on where it stopped."


def run(
    inputs: Path | str | Sequence[Path | str],
    questions: Path | str | QuestionFile,
    output: Path | str,
    *,
    model: str = "mini",
    workers: int = 1,
    formats: Sequence[Format] = (),
    deidentify: bool = False,
    names: bool = False,
    python: str | None = None,
    show: Callable[[Progress], None] | None = None,
    wants_stop: Callable[[], bool] | None = None,
    make_pool: Callable[[], Workers] | None = None,
) -> BatchResult:
    """Ask every study of the inputs the questions that fit it.

    Parameters
    ----------
    inputs
        Folders, files, lists or scenes, as `plan` takes them.
    questions
        A question file, or what `read_questions` made of one.
    output
        The folder of results, made if it is not there; its parent must exist.
    model
        Name of the model, or its folder.
    workers
        How many processes answer. They share the processor's cores, and sums over other numbers of threads
        round otherwise: masks made with one and with two workers may differ in single voxels.
    formats
        What is written beside .seg.nrrd and JSON: "nifti", "dicom-seg", "dicom-sr".
    deidentify
        Name scans by pseudonyms in all results; `private/identities.csv` tells whose they are.
    names
        Name patients in the table and in sentences. Else a name that a header states is taken out of paths,
        descriptions and names of results too; scans of other formats are called after their files.
    python
        The interpreter of the workers; None for the library's choice.
    show
        Called whenever a study is done.
    wants_stop
        Asked ten times a second whether to stop; studies under way are then left for the next run.
    make_pool
        Makes what lends models; None for `Workers`.

    Raises
    ------
    UserInputError
        If what was given cannot be used; nothing is written then.
    MedSegRError
        If no worker can be started.
    """
    places, folder = _paths(inputs), Path(output)
    check_choices(workers, formats, deidentify, names)
    check_output(folder, places)
    settings = Settings(model, model_fingerprint(model), tuple(formats), deidentify, names)
    what = planned(places, questions)
    if not what.tasks:
        raise UserInputError(_nothing(places, what, settings))
    check_formats(what.tasks, settings)
    with owner_only(), _opened(folder):
        _sweep(folder)
        check_space(_new(what.tasks, settings, folder), settings, folder)
        summary = Summary(folder, what, settings, show)
        with make_pool() if make_pool is not None else Workers(model, workers, python) as pool:
            why = _answer_all(what.tasks, pool, settings, summary, 2 * workers, wants_stop or _never)
        summary.write()
        return summary.result(why)


def planned(inputs: Path | str | Sequence[Path | str], questions: Path | str | QuestionFile) -> Plan:
    """What `run` would ask of what, and why the rest is left out.

    Raises
    ------
    UserInputError
        If an input or the question file cannot be used.
    """
    asked = questions if isinstance(questions, QuestionFile) else read_questions(Path(questions))
    return plan(_paths(inputs), asked)


def _answer_all(
    tasks: Sequence[Task],
    pool: Workers,
    settings: Settings,
    summary: Summary,
    at_once: int,
    wants_stop: Callable[[], bool],
) -> str:
    """Why it stopped before the end, in a sentence; "" if it did not."""
    lend: SessionFactory = pool.lend

    def answer(task: Task) -> Outcome:
        return answer_study(task, lend, summary.studies, settings)

    try:
        run_all(tasks, answer, at_once, done=summary.note, wants_stop=wants_stop, halt=pool.stop)
    except Stopped:
        return _GOES_ON
    except DiskFullError as error:
        return str(error)
    return ""


def _nothing(places: Sequence[Path], what: Plan, settings: Settings) -> str:
    said = f"There is nothing to ask about in {', '.join(map(str, places))}"
    if not what.left_out:
        return f"{said}; check the path."
    first, *more = what.left_out
    rest = f" ({len(more)} more are left out; --dry-run lists them)" if more else ""
    if settings.deidentify:
        return f"{said}: {len(what.left_out)} left out, and --dry-run says why."
    return what.told(f"{said}{rest}; of {first.what}: {first.why}", names=settings.names)


def _opened(folder: Path) -> AbstractContextManager[None]:
    """Make the folder, and hold its lock."""
    try:
        folder.mkdir(exist_ok=True)
        (folder / STUDIES).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another folder.") from error
    return locked(folder)


def _sweep(folder: Path) -> None:
    for place in (folder, folder / STUDIES):
        for path in place.iterdir():
            if _PARTIAL.match(path.name):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def _new(tasks: Sequence[Task], settings: Settings, folder: Path) -> list[Task]:
    """Studies that have no results yet."""
    # A pseudonym is made of the scan's bytes, and to read them all takes longer than to look it up.
    names = read_pseudonyms(folder) if settings.deidentify else {}
    return [
        task
        for task in tasks
        if read_record(folder / STUDIES / names.get(task.study.key, task.study.key)) is None
    ]


def _paths(inputs: Path | str | Sequence[Path | str]) -> list[Path]:
    return [Path(inputs)] if isinstance(inputs, str | Path) else [Path(one) for one in inputs]


def _never() -> bool:
    return False
