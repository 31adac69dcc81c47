"""medsegr demo: three questions to a real brain MR that a package carries, with nothing to download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from MedSegRLib.cli import options
from MedSegRLib.cli.opening import open_session
from MedSegRLib.cli.outputs import check_outputs
from MedSegRLib.cli.telling import follow, own_notes, tell_findings, tell_notes
from MedSegRLib.errors import OutputError, UserInputError

if TYPE_CHECKING:
    from MedSegRLib.answers import Answer
    from MedSegRLib.imaging import Volume

# Its halves are mirror images, so nothing here may turn on a difference of the sides.
ABOUT = "The scan is the MNI152 T1, an average of 152 real heads made symmetric: it is nobody's brain."
QUESTIONS = (
    "Which structure is the first to shrink in Alzheimer's disease?",
    "Where would a lacunar infarct of the lenticulostriate arteries lie?",
    "Show me the liver.",
)
SCAN, REPORT = "mni152_t1.nii.gz", "report.html"


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where masks and report go.")
    ] = Path("medsegr-demo"),
    model: options.ModelName = "mini",
) -> None:
    """Ask the MNI152 brain three questions; masks and report.html go to ./medsegr-demo."""
    names = [SCAN, REPORT, *(_mask_name(number) for number in range(1, len(QUESTIONS) + 1))]
    _check_folder(output, names)
    volume = mni152()
    session = open_session(volume, model)
    typer.echo(ABOUT)
    answers = []
    for question in QUESTIONS:
        typer.echo(f"\n> {question}")
        answer = follow(session.stream(question), live=True)
        tell_findings(answer)
        tell_notes(own_notes(answer))
        answers.append(answer)
    _write(output, volume, answers)
    typer.echo(f"\nMasks, scan and {REPORT} are in {output}. Research use, not for diagnosis.")


def mni152() -> Volume:
    """The MNI152 T1 at 1 mm, as nilearn carries it.

    Raises
    ------
    UserInputError
        If nilearn is not installed.
    """
    import numpy as np

    from MedSegRLib.imaging import Modality, Volume

    try:
        from nilearn.datasets import load_mni152_template
    except ModuleNotFoundError as error:
        raise UserInputError(
            "The demo's scan comes with the package nilearn, which is not installed; "
            "run: pip install 'medsegr[demo]'."
        ) from error
    image = load_mni152_template(resolution=1)
    # NIfTI arrays are [I, J, K].
    voxels = np.asarray(image.dataobj, dtype=np.float32).transpose(2, 1, 0)
    return Volume(voxels, image.affine, Modality.MR, "MNI152 T1", made_symmetric=True, notes=(ABOUT,))


def _mask_name(number: int) -> str:
    return f"answer{number}.seg.nrrd"


def _check_folder(folder: Path, names: list[str]) -> None:
    if folder.is_dir():
        check_outputs([folder / name for name in names], (".seg.nrrd", ".nii.gz", ".html"))
    elif folder.exists():
        raise OutputError(f"{folder} is a file; name a folder with --output.")
    else:
        # A folder that is not there yet can be made where a file can.
        check_outputs([folder.with_name(folder.name + ".html")], (".html",))


def _write(folder: Path, volume: Volume, answers: list[Answer]) -> None:
    from MedSegRLib.answers import write_report
    from MedSegRLib.imaging import write_volume

    folder.mkdir(exist_ok=True)
    write_volume(folder / SCAN, volume)
    for number, answer in enumerate(answers, start=1):
        if answer.findings:
            answer.save(folder / _mask_name(number))
    write_report(answers, folder / REPORT)
