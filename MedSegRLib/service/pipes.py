"""Pipes: reading and writing what fits at once, never waiting.

On POSIX the descriptors are set non-blocking. Windows has no such thing for anonymous pipes before
Python 3.12: there PeekNamedPipe tells how much can be read without waiting, and the writing end is put
into PIPE_NOWAIT, in which a full pipe takes nothing. Both are called through ctypes.
"""

from __future__ import annotations

import os
import sys

_AT_ONCE = 1 << 16

if sys.platform == "win32":
    import ctypes
    import errno
    import msvcrt
    from ctypes import wintypes

    _BROKEN = (109, 232)  # ERROR_BROKEN_PIPE, ERROR_NO_DATA: the other end is closed
    _PIPE_NOWAIT = 1
    # Less than the smallest buffer that Windows gives a pipe: a larger piece would never fit.
    _PIECE = 2048

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.PeekNamedPipe.argtypes = [
        wintypes.HANDLE,
        wintypes.LPVOID,
        wintypes.DWORD,
        wintypes.LPDWORD,
        wintypes.LPDWORD,
        wintypes.LPDWORD,
    ]
    _kernel32.PeekNamedPipe.restype = wintypes.BOOL
    _kernel32.SetNamedPipeHandleState.argtypes = [
        wintypes.HANDLE,
        wintypes.LPDWORD,
        wintypes.LPDWORD,
        wintypes.LPDWORD,
    ]
    _kernel32.SetNamedPipeHandleState.restype = wintypes.BOOL

    def prepare(read_fd: int, write_fd: int) -> None:
        """Make both ends non-blocking."""
        mode = wintypes.DWORD(_PIPE_NOWAIT)
        handle = msvcrt.get_osfhandle(write_fd)
        if not _kernel32.SetNamedPipeHandleState(handle, ctypes.byref(mode), None, None):
            raise ctypes.WinError(ctypes.get_last_error())

    def read_some(fd: int) -> bytes | None:
        """What is there; None if nothing is yet, b"" at the end."""
        there = wintypes.DWORD(0)
        handle = msvcrt.get_osfhandle(fd)
        if not _kernel32.PeekNamedPipe(handle, None, 0, None, ctypes.byref(there), None):
            if ctypes.get_last_error() in _BROKEN:
                return b""
            raise ctypes.WinError(ctypes.get_last_error())
        return os.read(fd, min(there.value, _AT_ONCE)) if there.value else None

    def write_some(fd: int, data: bytes) -> int:
        """Write what fits at once; how many bytes that were."""
        try:
            return os.write(fd, data[:_PIECE])
        except BrokenPipeError:
            return 0  # The end of what is read tells it.
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EAGAIN, errno.EINVAL):
                return 0
            raise

else:

    def prepare(read_fd: int, write_fd: int) -> None:
        """Make both ends non-blocking."""
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)

    def read_some(fd: int) -> bytes | None:
        """What is there; None if nothing is yet, b"" at the end."""
        try:
            return os.read(fd, _AT_ONCE)
        except BlockingIOError:
            return None

    def write_some(fd: int, data: bytes) -> int:
        """Write what fits at once; how many bytes that were."""
        try:
            return os.write(fd, data[:_AT_ONCE])
        except (BlockingIOError, BrokenPipeError):
            return 0  # Full; or closed, which the end of what is read tells.
