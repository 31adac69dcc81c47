"""The room's door: what it offers, and what it does not need."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from MedSegRLib import answers, errors


def test_all_public_names_are_offered_and_sorted():
    public = {
        name
        for name, value in vars(answers).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert answers.__all__ == sorted(public)


@pytest.mark.parametrize("first", ["answers", "answers.errors", "anatomy", "imaging", "answers.report"])
def test_the_room_opens_in_any_order_and_needs_nothing_that_Slicer_lacks(first):
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; import MedSegRLib.{first}; import MedSegRLib.answers; "
        "print(sorted({'torch', 'transformers', 'pydicom', 'matplotlib', 'PIL', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_errors_offered_here_are_those_of_the_whole_house():
    assert answers.QuestionError is errors.QuestionError
