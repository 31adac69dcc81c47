"""Atomic files: an output appears whole, or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from MedSegRLib.errors import OutputError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Lend a path beside the wanted one; what was written there takes its place at the end.

    The lent name ends as the wanted one does, since writers choose the format by it. If the
    body raises, whatever it wrote is removed and an older file at `path` stays as it was.

    Parameters
    ----------
    path
        The output. Its folder must exist.

    Raises
    ------
    OutputError
        If the folder is missing, `path` is a folder, or the operating system refuses to write.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "answer.json") as partial:
    ...         _ = partial.write_text("{}")
    ...     os.listdir(folder)
    ['answer.json']
    """
    wanted = Path(path)
    # os.path takes a name that the system refuses for one that is not there; writing then says why.
    if os.path.isdir(wanted):
        raise OutputError(f"{wanted} is a folder; name a file to write to.")
    if not os.path.isdir(wanted.parent):
        raise OutputError(f"{wanted} cannot be written, there is no folder {wanted.parent}; create it first.")
    partial = wanted.parent / f".{uuid.uuid4().hex[:12]}-{wanted.name}"
    try:
        try:
            # Made at once, so that a folder that cannot be written to is told before any work.
            partial.touch(exist_ok=False)
            yield partial
            # Opened for writing: Windows flushes only such a file.
            with open(partial, "rb+") as written:
                os.fsync(written.fileno())
            os.replace(partial, wanted)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{wanted} cannot be written ({reason}); choose another place or make room."
        ) from error
