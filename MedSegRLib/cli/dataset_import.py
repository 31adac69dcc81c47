"""medsegr dataset import: from scans and masks as people have them to sources that a build takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from MedSegRLib.cli import options
from MedSegRLib.errors import UserInputError

if TYPE_CHECKING:
    from MedSegRLib.anatomy import AnatomyTable
    from MedSegRLib.dataset.importing.about import About
    from MedSegRLib.dataset.importing.label_table import LabelName
    from MedSegRLib.dataset.source import Source

SOURCES, DATASET, LABELS = "sources.jsonl", "dataset.jsonl", "labels"
# Each kind, and what its masks are called; None where the scans' folder holds them too.
KINDS = {
    "pairs": "label maps", "seg-nrrd": ".seg.nrrd files", "dicom-seg": "DICOM SEG", "rtstruct": "RTSTRUCT",
    "reasonseg": None, "index": None,
}  # fmt: skip


def import_scans(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.", show_default=False)
    ],
    scans: Annotated[
        Path,
        typer.Argument(
            metavar="SCANS",
            help="A scan or a folder of them; for DICOM a folder with the series, for reasonseg and index "
            "the folder.",
            show_default=False,
        ),
    ],
    masks: Annotated[
        Path | None,
        typer.Argument(metavar="MASKS", help="Its mask, or a folder of masks of the same names."),
    ] = None,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help=f"A new folder, for {SOURCES} and label maps.",
            show_default=False,
        ),
    ],
    region: Annotated[
        str | None,
        typer.Option(
            metavar="REGION",
            help="brain, head_neck, thorax, heart, abdomen, pelvis or spine.",
            show_default="of an index: its own",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE.csv|.json",
            help="value (pairs only), name and, where the name does not say it, structure and side.",
            show_default=False,
        ),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option("--complete", help="pairs: what has no voxel is not there; else it may not be drawn."),
    ] = False,
    modality: options.ModalityName = None,
    plane: Annotated[
        str,
        typer.Option(metavar="axial|coronal|sagittal", help="The plane to look at slices in."),
    ] = "axial",
    split: Annotated[
        str | None,
        typer.Option(
            metavar="SPLIT", help="train, development or validation.", show_default="train of an index"
        ),
    ] = None,
    origin: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Name of the data set; of an index, which one.", show_default=False
        ),
    ] = "",
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="The data set's terms.", show_default=False)
    ] = "",
    patient: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Finds the patient in a file's name, as its group in brackets.",
            show_default="a file is a patient; of DICOM a pseudonym of its PatientID",
        ),
    ] = None,
) -> None:
    """Read scans and masks, check that they fit, and list them for `medsegr dataset build`."""
    wanted = _masks_as_needed(kind, masks)
    from MedSegRLib.anatomy import load_table

    known = load_table()
    if kind == "index":
        from MedSegRLib.dataset.importing.index import read_index

        one = (origin,) if origin else None
        _write(output, lambda _: read_index(scans, known, splits=(split or "train",), origins=one), known)
        return
    if region is None:
        raise UserInputError(f"{kind} needs --region, what the scans show, such as brain or abdomen.")
    from MedSegRLib.dataset.importing.about import About
    from MedSegRLib.imaging import Plane

    about = About(
        region=region,
        modality=options.modality_of(modality),
        plane=options.plane_of(plane) or Plane.AXIAL,
        split=split,
        origin=origin,
        licence=licence,
        patient_pattern=patient,
    )
    _write(output, _reader(kind, scans, wanted, table, about, known, complete), known)


def _masks_as_needed(kind: str, masks: Path | None) -> Path:
    if kind not in KINDS:
        raise UserInputError(f"There is no import of '{kind}'; use one of {', '.join(KINDS)}.")
    if KINDS[kind] is None and masks is not None:
        raise UserInputError(f"{kind} takes one folder, which holds scans and masks; leave {masks} out.")
    if KINDS[kind] is not None and masks is None:
        raise UserInputError(f"{kind} needs the {KINDS[kind]} too; name them after the scans.")
    return Path() if masks is None else masks


def _reader(
    kind: str,
    scans: Path,
    masks: Path,
    table: Path | None,
    about: About,
    known: AnatomyTable,
    complete: bool,
) -> Callable[[Path], Iterator[Source]]:
    from MedSegRLib.dataset.importing.dicom_seg import SEG
    from MedSegRLib.dataset.importing.dicom_source import read_dicom
    from MedSegRLib.dataset.importing.label_table import read_label_table
    from MedSegRLib.dataset.importing.pairs import read_pairs
    from MedSegRLib.dataset.importing.reasonseg import read_reasonseg
    from MedSegRLib.dataset.importing.rtstruct import RTSTRUCT
    from MedSegRLib.dataset.importing.segmentation import read_segmentations

    if kind == "pairs":
        if table is None:
            raise UserInputError(
                "pairs needs --table, the names of the labels; without it they mean nothing."
            )
        names = read_label_table(table, known)
        return lambda _: read_pairs(scans, masks, names, about, complete=complete)
    said: tuple[LabelName, ...] = ()
    if table is not None:
        said = read_label_table(table, known, with_values=False)
    if kind == "reasonseg":
        return lambda folder: read_reasonseg(scans, said, about, known, folder)
    if kind == "seg-nrrd":
        return lambda folder: read_segmentations(scans, masks, said, about, known, folder)
    dicom = {"dicom-seg": SEG, "rtstruct": RTSTRUCT}[kind]
    return lambda folder: read_dicom(dicom, scans, masks, said, about, known, folder)


def _write(output: Path, read: Callable[[Path], Iterator[Source]], table: AnatomyTable) -> None:
    """Write the folder whole or not at all, and tell what is in it."""
    from MedSegRLib.dataset.format import write_items
    from MedSegRLib.dataset.importing.asked import items_asked
    from MedSegRLib.dataset.source_file import read_sources, write_sources
    from MedSegRLib.imaging import atomic_folder

    with atomic_folder(output) as partial:
        (partial / LABELS).mkdir()
        with Console(stderr=True).status("Reading scans") as status:

            def told() -> Iterator[Source]:
                for number, source in enumerate(read(partial / LABELS), 1):
                    status.update(f"{number} scans read, {source.study} last")
                    yield source

            count = write_sources(partial / SOURCES, told())
        asked = [s for s in read_sources(partial / SOURCES) if s.questions]
        if asked:
            write_items(
                partial / DATASET,
                (item for s in asked for item in items_asked(s, table, partial, s.origin or "import")),
            )
        patients = {source.patient for source in read_sources(partial / SOURCES)}
        unknown = sorted(
            {label.name for s in read_sources(partial / SOURCES) for label in s.labels if not label.structure}
        )
        if not any((partial / LABELS).iterdir()):
            (partial / LABELS).rmdir()
    typer.echo(f"Written: {output / SOURCES}, {count} scans of {len(patients)} patients")
    if asked:
        typer.echo(f"Written: {output / DATASET}, {sum(len(s.questions) for s in asked)} questions")
    if unknown:
        listed = ", ".join(unknown[:12]) + (f" and {len(unknown) - 12} more" if len(unknown) > 12 else "")
        typer.echo(f"Note: nothing can be asked of what the anatomy table does not hold: {listed}.", err=True)
