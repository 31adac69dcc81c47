"""The worker's first lines: started as a program, it puts the pipes aside before it imports anything.

What a library prints goes to the log, which is where stderr points; only the protocol writes to the pipe
that was stdout. Written so that an old Python can read it, and be told that it is too old.
"""

from __future__ import annotations

import os
import sys


def _put_aside() -> tuple[int, int]:
    """Private copies of stdin and stdout; in their place nothing, and the log."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (requests, replies):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return requests, replies


def _use_this_library() -> None:
    """Import MedSegRLib from where this file lies, and nothing from this file's own folder."""
    here = os.path.dirname(os.path.realpath(__file__))
    elsewhere = [path for path in sys.path if os.path.realpath(path or os.curdir) != here]
    sys.path[:] = [os.path.dirname(os.path.dirname(here)), *elsewhere]


if __name__ == "__main__":
    requests_fd, replies_fd = _put_aside()
    _use_this_library()
    import faulthandler

    # Where a driver crashes, the log says in which line.
    faulthandler.enable()
    # Nothing leaves the computer, and the log is for what matters.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from MedSegRLib.service.worker import main

    main(requests_fd, replies_fd, sys.argv[1])
