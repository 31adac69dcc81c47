"""Lock: one batch at a time in an output folder.

The operating system holds the lock, and lets it go when the process ends in whatever way: a lock whose
process is dead is no lock.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from MedSegRLib.errors import OutputError

__all__ = ["LOCK", "locked"]

LOCK = ".lock"
_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of an output folder, which must exist.

    Raises
    ------
    OutputError
        If another batch holds it, or the folder cannot be written to.
    """
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written to ({error.strerror}); choose another folder."
        ) from error
    try:
        try:
            _take(descriptor)
        except OSError as error:
            if error.errno not in _BUSY:
                raise OutputError(
                    f"{folder} cannot be locked ({error.strerror}); choose a folder on another disk."
                ) from error
            holder = os.pread(descriptor, 40, 0) if hasattr(os, "pread") else os.read(descriptor, 40)
            who = holder.decode("ascii", errors="replace").strip()
            raise OutputError(
                f"Another batch{f' (process {who})' if who else ''} is writing to {folder}; "
                "wait until it has ended, or choose another folder."
            ) from error
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
        os.truncate(descriptor, 0)
    finally:
        # Closing lets go; the file stays, since another batch may be about to open it.
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    # Far behind the end, so that who holds the lock can still be read.
    _PLACE = 1 << 30

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
