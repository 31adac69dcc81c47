"""The ring inside 3D Slicer: MedSegRTest in front of a fake worker, then of the shipped model.

    arguments="--no-splash --testing --additional-module-paths $PWD/MedSegR"
    Slicer $arguments --python-script $PWD/Testing/Slicer/run_tests.py

Slicer ends with code 0 if every test ran and passed, else 1. The shipped model needs torch and transformers
in Slicer's Python; nothing is installed here.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import slicer


def worker_commands() -> dict[str, list[str]]:
    """Which worker -> the command that starts it."""
    import MedSegRLib
    from MedSegRLib.service import default_command

    shipped = default_command()
    library = Path(MedSegRLib.__file__).resolve().parents[1]
    fake = [shipped[0], "-X", "utf8", str(Path(__file__).resolve().with_name("fake_worker.py")), str(library)]
    return {"a fake worker": fake, "the shipped model": shipped}


def run_tests() -> bool:
    """Whether there is a module, and every test of it ran and passed in front of either worker."""
    if not hasattr(slicer.modules, "medsegr"):
        print("Slicer has not loaded the module; is --additional-module-paths before --python-script?")
        return False
    import MedSegR

    passed = []
    for name, command in worker_commands().items():
        print(f"== MedSegRTest in front of {name}", flush=True)
        MedSegR.MedSegRTest.worker_command = command
        tests = unittest.defaultTestLoader.loadTestsFromTestCase(MedSegR.MedSegRTest)
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
        passed.append(result.testsRun > 0 and result.wasSuccessful() and not result.skipped)
    return all(passed)


# Slicer stays open after a script that fails, so the end is said whatever happens.
exit_code = 1
try:
    exit_code = 0 if run_tests() else 1
finally:
    slicer.util.exit(exit_code)
