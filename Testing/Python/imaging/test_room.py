"""The room's door: what it offers, and what it does not need."""

from __future__ import annotations

import subprocess
import sys
import types

from MedSegRLib import imaging


def test_all_public_names_are_offered_and_sorted():
    public = {
        name
        for name, value in vars(imaging).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert imaging.__all__ == sorted(public)


def test_the_room_needs_nothing_that_Slicer_lacks():
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; import MedSegRLib.imaging; "
        "print(sorted({'torch', 'transformers', 'pydicom', 'nibabel', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
