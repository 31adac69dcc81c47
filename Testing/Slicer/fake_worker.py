"""A worker without a model: speaks the protocol of MedSegRLib.service, finds the same thing in any scan.

    PythonSlicer fake_worker.py LIBRARY PRIVATE_FOLDER

LIBRARY is the folder that holds MedSegRLib; the client adds the private folder. It needs what Slicer has
and no torch: the middle third of the scan is "the left hippocampus". Asked to answer "slowly", it waits
before each event.
"""

import os
import sys
import time

# The pipes are put aside before anything is imported that might print.
requests, replies = os.dup(0), os.dup(1)
os.dup2(2, 1)
if sys.platform == "win32":
    import msvcrt

    for descriptor in (requests, replies):
        msvcrt.setmode(descriptor, os.O_BINARY)
sys.path.insert(0, sys.argv[1])

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import MedSegRLib
from MedSegRLib.answers import (
    Answer,
    Event,
    Finding,
    FindingReady,
    Finished,
    Planned,
    Provenance,
    Question,
    SliceDone,
    Text,
)
from MedSegRLib.imaging import Plane, Volume, window_for
from MedSegRLib.service.packing import Packer
from MedSegRLib.service.protocol import PROTOCOL, message
from MedSegRLib.service.voxel_files import read_handed_over
from MedSegRLib.service.worker_pipe import Pipe

MODEL = {
    "name": "mini",
    "version": "0",
    "regions": ["brain"],
    "modalities": ["MR"],
    "offered": ["hippocampus"],
    "licence": "",
}
PAUSE_S = 0.15
WORDS = "This is the left hippocampus."


def hello() -> dict[str, Any]:
    return {
        "protocol": PROTOCOL,
        "software_version": MedSegRLib.__version__,
        "library": str(Path(MedSegRLib.__file__).resolve().parent),
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "torch": "none",
        "transformers": "none",
        "device": "none",
        "models": [MODEL],
    }


def events(volume: Volume, question: Question) -> Iterator[Event]:
    plane = question.plane or Plane.AXIAL
    mask = np.zeros(volume.shape_kji, dtype=bool)
    mask[tuple(slice(n // 3, n - n // 3) for n in volume.shape_kji)] = True
    finding = Finding.of("left hippocampus", mask, volume, plane, confidence=0.9)
    yield Planned(finding.slices, plane)
    yield Text(WORDS)
    for done, index in enumerate(finding.slices, start=1):
        yield SliceDone(done, len(finding.slices), index, {})
    yield FindingReady(finding)
    provenance = Provenance(
        MODEL["name"],
        MODEL["version"],
        window_for(volume),
        plane,
        finding.slices,
        question.mode,
        question.seed,
        MedSegRLib.__version__,
    )
    yield Finished(Answer(question, WORDS, (finding,), (), provenance, volume))


def main() -> None:
    folder = sys.argv[2]
    pipe = Pipe(requests, replies, folder)
    pipe.send(message("hello", **hello()))
    while True:
        asked = pipe.next_request().header
        if asked["type"] == "open":
            pipe.send(message("opened"))
            continue
        volume = read_handed_over(Path(folder), asked["volume"])
        question = Question.from_dict(asked["question"])
        window = window_for(volume)
        pipe.send(
            message(
                "begun",
                id=asked["id"],
                model=MODEL["name"],
                model_version=MODEL["version"],
                window={"low": window.low, "high": window.high, "name": window.name},
                plane=(question.plane or Plane.AXIAL).value,
            )
        )
        packer = Packer()
        for event in events(volume, question):
            time.sleep(PAUSE_S if "slowly" in question.text else 0)
            pipe.send(packer.pack(asked["id"], event))


main()
