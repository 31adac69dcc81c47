"""What every test shares: the real scans, and the promise that nothing else is ever skipped.

Only tests that need ../shared/data may be skipped, and only where that folder is absent; any other
skip fails the run, so that no test passes by not being there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = ROOT.parent / "shared" / "data"

_allowed = pytest.StashKey[set[str]]()
_skipped = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real scans beside the checkout; a test that takes it is marked `shared_data`."""
    return SHARED_DATA


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_allowed] = set()
    config.stash[_skipped] = set()


def pytest_itemcollected(item: pytest.Item) -> None:
    if "shared_data" in getattr(item, "fixturenames", ()):
        item.add_marker("shared_data")
    if item.get_closest_marker("shared_data") and not SHARED_DATA.is_dir():
        item.add_marker(pytest.mark.skip(reason="the real scans of ../shared/data are not here"))
        item.config.stash[_allowed].add(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[None]:  # yields, then returns the report
    report = yield
    # An expected failure is reported as skipped too, and is not one.
    if report.skipped and not hasattr(report, "wasxfail"):
        item.config.stash[_skipped].add(item.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if report.skipped:
        collector.config.stash[_skipped].add(collector.nodeid)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[_skipped] - session.config.stash[_allowed]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped, allowed = config.stash[_skipped], config.stash[_allowed]
    place = "absent" if not SHARED_DATA.is_dir() else "here"
    terminalreporter.write_line(f"../shared/data is {place}: {len(skipped & allowed)} tests skipped for it")
    for nodeid in sorted(skipped - allowed):
        terminalreporter.write_line(f"SKIPPED WITHOUT LEAVE, which fails the run: {nodeid}", red=True)
