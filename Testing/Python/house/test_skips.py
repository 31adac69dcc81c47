"""Nothing is skipped but what needs the real scans, and that only where they are absent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# What this very process may be told as a worker, and whom it starts must find out for itself.
INHERITED = ("OMP_NUM_THREADS", "PYTEST_XDIST_WORKER")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the tests' own rules, and of no test."""
    checkout = tmp_path / "checkout"
    (checkout / "Testing" / "Python").mkdir(parents=True)
    shutil.copy(ROOT / "Testing" / "Python" / "conftest.py", checkout / "Testing" / "Python")
    (checkout / "pytest.ini").write_text(
        "[pytest]\nmarkers = shared_data: as in the project\ntestpaths = Testing/Python library\n"
        "addopts = --doctest-modules --numprocesses=logical --maxprocesses=2 --dist=loadfile\n"
    )
    return checkout


def start(checkout: Path, *names: str) -> tuple[int, str]:
    """Exit code and output of the tests that are named there; of all, by workers, where none is."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *names]
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout


def run(checkout: Path, test: str) -> tuple[int, str]:
    """Exit code and output of one test file there."""
    (checkout / "Testing" / "Python" / "test_it.py").write_text(f"import pytest\n{test}\n")
    return start(checkout, "Testing/Python")


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


SKIPPED = {
    "call": "def test_a(): pytest.skip('not today')",
    "mark": "@pytest.mark.skipif(True, reason='not here')\ndef test_a(): pass",
    "file": "pytest.importorskip('no_such_package')\ndef test_a(): pass",
    "fixture": "@pytest.fixture\ndef thing(): pytest.skip('no thing')\ndef test_a(thing): pass",
}
SKIPPED_EXAMPLE = '"""Adds.\n\n>>> 1 + 1  # doctest: +SKIP\n3\n"""\n'


@pytest.mark.parametrize("test", SKIPPED.values(), ids=SKIPPED)
def test_any_other_skip_fails_the_run(checkout: Path, test: str) -> None:
    code, output = run(checkout, test + "\ndef test_other(): pass" * ("importorskip" not in test))
    assert code == 1 and "SKIPPED WITHOUT LEAVE" in output


def test_an_expected_failure_is_no_skip(checkout: Path) -> None:
    code, output = run(checkout, "@pytest.mark.xfail\ndef test_a(): assert False")
    assert code == 0 and "WITHOUT LEAVE" not in output


def test_a_skipped_example_of_a_docstring_fails_the_run(checkout: Path) -> None:
    (checkout / "library").mkdir()
    (checkout / "library" / "adding.py").write_text(SKIPPED_EXAMPLE)
    code, output = start(checkout, "Testing/Python", "library")
    assert code == 1 and "SKIPPED WITHOUT LEAVE, which fails the run: library/adding.py" in output


def write(checkout: Path, tests: dict[str, str]) -> None:
    """One test file each, so that every worker has some."""
    for name, test in tests.items():
        path = checkout / "Testing" / "Python" / f"test_{name}.py"
        path.write_text(f"import pytest\n{test}\n")


def test_skips_in_workers_fail_the_run_and_are_all_named(checkout: Path) -> None:
    write(checkout, {**SKIPPED, "scans": NEEDS_SCANS, "other": "def test_c(): pass"})
    (checkout / "library").mkdir()
    (checkout / "library" / "adding.py").write_text(SKIPPED_EXAMPLE)
    code, output = start(checkout)
    named = [line.split(": ", 1)[1] for line in output.splitlines() if line.startswith("SKIPPED WITHOUT")]
    tests = [f"Testing/Python/test_{name}.py" + "::test_a" * (name != "file") for name in SKIPPED]
    assert named == sorted([*tests, "library/adding.py::adding"])
    assert code == 1 and "is absent: 2 tests skipped" in output and "1 passed" in output


def test_workers_have_one_thread_each_and_named_tests_run_without_workers(checkout: Path) -> None:
    alone = "import os\ndef test_a(): assert os.environ.get('OMP_NUM_THREADS') == {}"
    write(checkout, {"a": alone.format("'1'"), "scans": NEEDS_SCANS})
    write(checkout, {"b": "@pytest.mark.xfail\ndef test_a(): assert False"})
    code, output = start(checkout)
    assert code == 0 and "1 passed, 2 skipped, 1 xfailed" in output and "workers [4 items]" in output
    assert "is absent: 2 tests skipped" in output and "WITHOUT LEAVE" not in output
    write(checkout, {"a": alone.format("None")})
    code, output = start(checkout, "Testing/Python/test_a.py")
    assert code == 0 and "1 passed" in output and "collected 1 item" in output


@pytest.mark.parametrize(
    # Raised knowingly, here, by whoever writes another test that needs the real scans, or expects a failure.
    ("marker", "count"),
    [("shared_data", 18), ("xfail", 1)],
)
def test_how_many_tests_may_be_skipped_or_fail_is_fixed(
    request: pytest.FixtureRequest, marker: str, count: int
) -> None:
    items = request.session.items
    if set((ROOT / "Testing" / "Python").rglob("test_*.py")) <= {item.path for item in items}:
        names = [item.nodeid for item in items if item.get_closest_marker(marker)]
    else:  # run by hand, without most of the others
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q"]
        done = subprocess.run([*command, "-m", marker], cwd=ROOT, capture_output=True, text=True)
        names = [line for line in done.stdout.splitlines() if "::" in line]
    assert len(names) == count, names
