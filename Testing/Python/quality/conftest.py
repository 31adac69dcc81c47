"""The shipped model in front of the MNI152 brain that nilearn carries; opened once for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from MedSegRLib import Session, open_model
from MedSegRLib.answers import Answer
from MedSegRLib.cli.demo import mni152
from MedSegRLib.imaging import Volume


@pytest.fixture(scope="session")
def brain() -> Volume:
    return mni152()


@pytest.fixture(scope="session")
def mini():
    return open_model("mini")


@pytest.fixture(scope="session")
def opened(brain, mini) -> Session:
    """One session, so that the scan is encoded once; ask through `fresh`."""
    return Session(brain, mini)


@pytest.fixture
def fresh(opened) -> Session:
    """The same session without its conversation."""
    opened.forget()
    return opened


@pytest.fixture(scope="session")
def ask_once(opened) -> Callable[[str], Answer]:
    """Ask about the whole brain without a conversation; whoever asks the same again gets the same answer."""

    @cache
    def ask(question: str) -> Answer:
        opened.forget()
        return opened.ask(question)

    return ask
