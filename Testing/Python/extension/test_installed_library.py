"""The installed tree works by itself: the checkout is not on the path, nor the working directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MedSegRLib.anatomy import load_table

STAND_INS = Path(__file__).resolve().parents[1] / "stand_ins"
Python = Callable[..., list[str]]

QUESTION = """
import numpy as np
import MedSegRLib
from MedSegRLib import Session, Volume, open_model
from MedSegRLib.cli.demo import mni152
from MedSegRLib.resources import resource_path
brain = mni152()
small = Volume(brain.voxels[::2, ::2, ::2], brain.ijk_to_ras @ np.diag([2, 2, 2, 1]), brain.modality, "small")
model = open_model("mini")
answer = Session(small, model).ask("Where is the brainstem?", slices=(10, 40))
(finding,) = answer.findings
k, j, i = np.argwhere(finding.mask).mean(axis=0)
print(MedSegRLib.__file__)
print(resource_path("Models", "medsegr-mini"))
print(finding.structure, finding.mask.shape == small.voxels.shape, round(finding.mask.sum() * small.voxel_ml))
print(*(small.ijk_to_ras @ (i, j, k, 1))[:3])
"""

WORKER = """
import time
from MedSegRLib.service import Client, WorkerState
client = Client()
client.start()
while client.state is WorkerState.STARTING:
    client.poll()
    time.sleep(0.05)
assert client.hello, client.problem + client.log()
print(*(model.name for model in client.hello.models))
client.close()
"""

MODULE = """
from pathlib import Path
from types import ModuleType, SimpleNamespace
import slicer_glue, scripted_modules
slicer_glue.start()
scripted_modules.install()
import slicer
import MedSegR
parent = SimpleNamespace(path=MedSegR.__file__)
module = MedSegR.MedSegR(parent)
print(MedSegR.__file__)
print(parent.title, parent.categories, Path(module.resourcePath("Icons/MedSegR.png")).is_file())
print("not for diagnosis" in parent.helpText and "CC BY-NC-SA 4.0" in parent.helpText)

class SampleDataLogic:
    @staticmethod
    def registerCustomSampleDataSource(category="Custom",
        sampleName=None, uris=None, fileNames=None, nodeNames=None, customDownloader=None,
        thumbnailFileName=None, loadFileType="VolumeFile", loadFiles=None, loadFileProperties={},
        checksums=None):
        print(category, nodeNames, fileNames, uris, checksums)

sys.modules["SampleData"] = ModuleType("SampleData")
sys.modules["SampleData"].SampleDataLogic = SampleDataLogic
scripted_modules.startup_completed()
import MedSegRLib
print(MedSegRLib.__file__)
print(sorted({"torch", "transformers"} & set(sys.modules)))
"""


def test_the_installed_library_answers_a_question_with_the_shipped_model(
    python: Python, modules: Path
) -> None:
    library, model, found, centre = python(QUESTION)[-4:]
    assert Path(library) == modules / "MedSegRLib" / "__init__.py"
    assert Path(model) == modules / "Resources" / "Models" / "medsegr-mini"
    structure, on_the_grid, millilitres = found.split()
    assert (structure, on_the_grid) == ("brainstem", "True")
    # An adult's brainstem has 20 to 35 ml and lies in the middle, behind and below the origin of MNI152.
    assert 14 < float(millilitres) < 45
    right, forward, up = map(float, centre.split())
    assert abs(right) < 4 and -45 < forward < -15 and -55 < up < -15


def test_the_worker_starts_from_the_installed_library(python: Python) -> None:
    # It says where it took the library from, and is refused if that is not the client's.
    assert python(WORKER) == ["mini"]


def test_what_opens_inside_slicer_finds_its_own_anatomy(python: Python, modules: Path) -> None:
    table, count = python(
        "from MedSegRLib.anatomy import load_table\nfrom MedSegRLib.resources import resource_path\n"
        "print(resource_path('Anatomy', 'structures.json')); print(len(load_table()))"
    )
    assert Path(table) == modules / "Resources" / "Anatomy" / "structures.json"
    assert int(count) == len(load_table())


def test_the_installed_module_opens_with_the_library_beside_it(python: Python, modules: Path) -> None:
    module, title, warned, sample, library, heavy = python(MODULE, STAND_INS)
    assert Path(module) == modules / "MedSegR.py"
    assert title == "MedSeg-R ['Segmentation'] True"
    assert warned == "True"
    # Slicer's own collection: the digest names the file there.
    digest = "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"
    place = f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{digest}"
    assert sample == f"MedSeg-R MRHead MR-head.nrrd {place} SHA256:{digest}"
    assert Path(library) == modules / "MedSegRLib" / "__init__.py"
    assert heavy == "[]"
