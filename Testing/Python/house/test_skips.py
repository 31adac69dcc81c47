"""Nothing is skipped but what needs the real scans, and that only where they are absent."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the tests' own rules, and of no test."""
    checkout = tmp_path / "checkout"
    (checkout / "Testing" / "Python").mkdir(parents=True)
    shutil.copy(ROOT / "Testing" / "Python" / "conftest.py", checkout / "Testing" / "Python")
    (checkout / "pytest.ini").write_text("[pytest]\nmarkers = shared_data: as in the project\n")
    return checkout


def run(checkout: Path, test: str) -> tuple[int, str]:
    """Exit code and output of one test file there."""
    (checkout / "Testing" / "Python" / "test_it.py").write_text(f"import pytest\n{test}\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "Testing/Python"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    return done.returncode, done.stdout


NEEDS_SCANS = """
def test_a(shared_data): assert shared_data.is_dir()
@pytest.mark.shared_data
def test_b(): pass
"""


def test_with_the_scans_their_tests_run(checkout: Path) -> None:
    (checkout.parent / "shared" / "data").mkdir(parents=True)
    code, output = run(checkout, NEEDS_SCANS)
    assert code == 0 and "2 passed" in output and "is here: 0 tests skipped" in output


def test_without_the_scans_exactly_their_tests_are_skipped(checkout: Path) -> None:
    code, output = run(checkout, NEEDS_SCANS + "\ndef test_c(): pass")
    assert code == 0 and "1 passed, 2 skipped" in output and "is absent: 2 tests skipped" in output


@pytest.mark.parametrize(
    "test",
    [
        "def test_a(): pytest.skip('not today')",
        "@pytest.mark.skipif(True, reason='not here')\ndef test_a(): pass",
        "pytest.importorskip('no_such_package')\ndef test_a(): pass",
        "@pytest.fixture\ndef thing(): pytest.skip('no thing')\ndef test_a(thing): pass",
    ],
    ids=["call", "mark", "file", "fixture"],
)
def test_any_other_skip_fails_the_run(checkout: Path, test: str) -> None:
    code, output = run(checkout, test + "\ndef test_other(): pass" * ("importorskip" not in test))
    assert code == 1 and "SKIPPED WITHOUT LEAVE" in output


def test_an_expected_failure_is_no_skip(checkout: Path) -> None:
    code, output = run(checkout, "@pytest.mark.xfail\ndef test_a(): assert False")
    assert code == 0 and "WITHOUT LEAVE" not in output


def test_how_many_tests_may_be_skipped_is_fixed() -> None:
    # Raised knowingly, here, by whoever writes another test that needs the real scans.
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q"]
    done = subprocess.run([*command, "-m", "shared_data"], cwd=ROOT, capture_output=True, text=True)
    names = [line for line in done.stdout.splitlines() if "::" in line]
    assert len(names) == 18, names
