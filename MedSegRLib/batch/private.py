"""Private: outputs that only their owner may read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["owner_only"]


@contextmanager
def owner_only() -> Iterator[None]:
    """Within it whatever this process writes is readable by its owner only.

    The mask of permissions is the process's own, so it holds for every thread. Windows has none: there a
    file has the permissions of its folder.
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
