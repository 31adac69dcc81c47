"""Ask one question about every scan of a folder: a table with millilitres, and a .seg.nrrd for each scan.

    Slicer --no-main-window --python-script Examples/folder.py SCANS OUTPUT "Where is the left hippocampus?"

OUTPUT/findings.csv has a line for each finding; a scan in which nothing was found, or that could not be
asked about, has one line that says why. Slicer ends with code 0 if every scan was answered, 1 if one was
not, 2 if there was nothing to do. For a Slicer of its own: the scene is emptied after each scan.
Research use, not for diagnosis.
"""

import csv
import sys
from pathlib import Path

import slicer

from MedSegRLib.errors import MedSegRError

SCANS = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
COLUMNS = ("scan", "finding", "volume_ml", "confidence", "masks", "said")


def scans_in(folder):
    """The scans of a folder; what was written by an earlier run is none."""
    files = sorted(path for path in folder.iterdir() if path.name.lower().endswith(SCANS))
    return [path for path in files if ".seg." not in path.name.lower()]


def lines_about(scan, output, question):
    """The lines of the table for one scan; its masks are written beside the table."""
    volume = slicer.util.loadVolume(str(scan))
    answer = slicer.util.getModuleLogic("MedSegR").ask(volume, question)
    if not answer.findings:
        return [(scan.name, "", "", "", "", answer.text)]
    masks = f"{scan.name}.seg.nrrd"
    answer.save(output / masks)
    found = ((f.name, f"{f.measurements.volume_ml:.3f}", f"{f.confidence:.2f}") for f in answer.findings)
    return [(scan.name, *values, masks, answer.text) for values in found]


def ask_all(folder, output, question):
    """Ask about every scan; the exit code."""
    scans = scans_in(folder)
    if not scans:
        print(f"There is no scan in {folder}.")
        return 2
    output.mkdir(parents=True, exist_ok=True)
    failed = 0
    with open(output / "findings.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for scan in scans:
            try:
                lines = lines_about(scan, output, question)
            except (MedSegRError, RuntimeError) as error:  # the latter from Slicer, for a file it cannot read
                failed += 1
                lines = [(scan.name, "", "", "", "", str(error).partition("\n")[0])]
            slicer.mrmlScene.Clear(0)
            table.writerows(lines)
            file.flush()
            print(f"{scan.name}: {', '.join(line[1] or line[5] for line in lines)}", flush=True)
    return 1 if failed else 0


# Slicer stays open after a script that fails, so the end is said whatever happens.
exit_code = 2
try:
    if len(sys.argv) == 4:
        exit_code = ask_all(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    else:
        print("Usage: folder.py SCANS OUTPUT QUESTION")
finally:
    slicer.util.exit(exit_code)
