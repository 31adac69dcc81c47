"""Atomic folders: an output of several files appears whole, or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from MedSegRLib.errors import OutputError


@contextmanager
def atomic_folder(path: str | os.PathLike[str], *, replace: bool = False) -> Iterator[Path]:
    """Lend a folder beside the wanted one; what was written into it is there under its name at the end.

    Paths from the lent folder to others are the same as from the wanted one, which has the same parent.

    Parameters
    ----------
    path
        The output, which must not exist, or be an empty folder. Its parent must exist.
    replace
        Whether a folder that is there goes when the new one is whole; until then it stays as it was.

    Raises
    ------
    OutputError
        If there is something at `path`, the parent is missing, or the operating system refuses to write.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     with atomic_folder(Path(parent) / "set") as partial:
    ...         _ = (partial / "a.json").write_text("{}")
    ...     os.listdir(Path(parent) / "set")
    ['a.json']
    """
    wanted = Path(path)
    may_go = os.path.isdir(wanted) and (replace or not os.listdir(wanted))
    if os.path.exists(wanted) and not may_go:
        raise OutputError(f"{wanted} is there already; name a new folder, or remove it first.")
    if not os.path.isdir(wanted.parent):
        raise OutputError(f"{wanted} cannot be written, there is no folder {wanted.parent}; create it first.")
    partial, older = (wanted.parent / f".{uuid.uuid4().hex[:12]}-{wanted.name}" for _ in range(2))
    try:
        try:
            partial.mkdir()
            yield partial
            if os.path.isdir(wanted):
                # A folder cannot be renamed onto another one on every system.
                os.replace(wanted, older)
            os.replace(partial, wanted)
        finally:
            if os.path.isdir(older) and not os.path.isdir(wanted):
                os.replace(older, wanted)
            for rest in (partial, older):
                shutil.rmtree(rest, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{wanted} cannot be written ({reason}); choose another place or make room."
        ) from error
