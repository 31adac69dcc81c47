"""What every test shares: the real scans, one thread a worker, and the promise that nothing else is skipped.

Only tests that need ../shared/data may be skipped, and only where that folder is absent; any other
skip fails the run, so that no test passes by not being there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = ROOT.parent / "shared" / "data"

# Beside others, a process computes with one thread, and so do those that it starts: where there are more
# threads than cores, OpenMP's wait for one another by spinning. Read by torch when it is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_MAY_BE_SKIPPED = "may be skipped"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real scans beside the checkout; a test that takes it is marked `shared_data`."""
    return SHARED_DATA


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """No workers where tests are named: these run at once, in one process, within a debugger's reach."""
    return None if config.args_source == config.ArgsSource.TESTPATHS else 0


def pytest_configure(config: pytest.Config) -> None:
    # Hooks of this file itself would see no report of the docstrings' tests, which lie elsewhere.
    config.pluginmanager.register(_Skips())


def pytest_itemcollected(item: pytest.Item) -> None:
    if "shared_data" in getattr(item, "fixturenames", ()):
        item.add_marker("shared_data")
    if item.get_closest_marker("shared_data") and not SHARED_DATA.is_dir():
        item.add_marker(pytest.mark.skip(reason="the real scans of ../shared/data are not here"))
        # Of what a worker knows about a test, only its report reaches the process that counts.
        item.user_properties.append((_MAY_BE_SKIPPED, True))


class _Skips:
    """What was skipped with leave and without, by the reports of this process and of its workers."""

    def __init__(self) -> None:
        self.allowed: set[str] = set()
        self.forbidden: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # An expected failure is reported as skipped too, and is not one.
        if report.skipped and not hasattr(report, "wasxfail"):
            allowed = any(name == _MAY_BE_SKIPPED for name, _ in report.user_properties)
            (self.allowed if allowed else self.forbidden).add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.forbidden.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.forbidden:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        place = "absent" if not SHARED_DATA.is_dir() else "here"
        count = len(self.allowed)
        terminalreporter.write_line(f"../shared/data is {place}: {count} tests skipped for it")
        for nodeid in sorted(self.forbidden):
            terminalreporter.write_line(f"SKIPPED WITHOUT LEAVE, which fails the run: {nodeid}", red=True)
