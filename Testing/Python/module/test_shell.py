"""The module's own file: opened on a bare Slicer, and the tests that it carries."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

import slicer

ROOT = Path(__file__).resolve().parents[3]
STAND_INS = ROOT / "Testing" / "Python" / "stand_ins"

# What a Slicer has loaded long before a module is opened is imported first.
OPENED = """
import socket, sys, time
import numpy, SimpleITK
import workplace
from types import SimpleNamespace
import qt, slicer

def refuse(*address):
    raise AssertionError(f"a connection to {address}")

socket.socket.connect = refuse
start = time.process_time()
import MedSegR
MedSegR.MedSegR(SimpleNamespace(path=MedSegR.__file__))
widget = workplace.open_module()
qt.QApplication.processEvents()
print(time.process_time() - start)
for _ in range(20):
    qt.QApplication.processEvents()
    time.sleep(0.01)
print(slicer.app.layoutManager(), widget.logic.console.client().state.name)
print(*sorted({"torch", "transformers", "SampleData", "pip"} & set(sys.modules)))
print(sum(window.isVisible() for window in qt.QApplication.topLevelWidgets()))
"""


def test_it_opens_within_a_second_without_main_window_torch_network_or_anything_popping_up() -> None:
    program = f"import sys; sys.path.insert(0, {str(STAND_INS)!r})\n{OPENED}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds, bare, heavy, windows = done.stdout.splitlines()
    assert float(seconds) < 1.0
    assert bare == "None OFF", "no main window, and no worker before it is needed"
    assert heavy == "" and windows == "1", "the column alone"


def test_its_own_test_passes_in_front_of_a_worker(scene) -> None:
    import MedSegR

    tests = unittest.defaultTestLoader.loadTestsFromTestCase(MedSegR.MedSegRTest)
    worker = ROOT / "Testing" / "Slicer" / "fake_worker.py"
    MedSegR.MedSegRTest.worker_command = [sys.executable, str(worker), str(ROOT)]
    try:
        result = unittest.TestResult()
        tests.run(result)
    finally:
        MedSegR.MedSegRTest.worker_command = None
    assert result.testsRun >= 1 and result.errors == result.failures == result.skipped == []


def test_its_own_test_fails_where_no_worker_starts(scene) -> None:
    import MedSegR

    tests = unittest.defaultTestLoader.loadTestsFromTestCase(MedSegR.MedSegRTest)
    MedSegR.MedSegRTest.worker_command = ["/nowhere/python"]
    try:
        result = unittest.TestResult()
        tests.run(result)
    finally:
        MedSegR.MedSegRTest.worker_command = None
    assert len(result.errors) == result.testsRun >= 1


def test_the_logic_is_found_as_the_console_finds_it(widget) -> None:
    assert slicer.util.getModuleLogic("MedSegR") is widget.logic
