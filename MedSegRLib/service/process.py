"""Process: a worker's process with its pipes, its private folder and its log.

Nothing here waits, but `close`. A process is ended with all that it started: on POSIX it leads a session
of its own, whose group is killed; on Windows taskkill takes the tree.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

from MedSegRLib.errors import OutputError

from .pipes import prepare, read_some, write_some
from .protocol import Frame, FrameReader

LOG_BYTES = 200_000
_LOG_ON_DISK = 50 * LOG_BYTES
_CLOSING_S = 2.0


class WorkerProcess:
    """A worker that was started.

    Parameters
    ----------
    command
        Program and arguments; the private folder is added as the last one.
    environment
        Its whole environment.

    Attributes
    ----------
    folder
        The private folder, which nobody else may open; it goes when the process has gone.
    at_end
        Whether its end of the pipe is closed.

    Raises
    ------
    OSError
        If it cannot be started.
    OutputError
        If there is no place for the folder.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="medsegr-"))
        except OSError as error:
            raise OutputError(
                "The scan cannot be handed to the model, since no temporary folder can be written "
                f"({error.strerror or error}); make room there, or let TMPDIR (TEMP on Windows) name another."
            ) from error
        # At the latest when this program ends, or forgets about the worker.
        self._remove_folder = weakref.finalize(self, shutil.rmtree, self.folder, True)
        self.at_end = False
        self._log_path = self.folder / "worker.log"
        self._older_log = b""
        self._frames = FrameReader()
        self._unsent = b""
        try:
            with open(self._log_path, "ab") as log:
                self._process = subprocess.Popen(
                    [*command, str(self.folder)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                    env=dict(environment),
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError:
            self._remove_folder()
            raise
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        prepare(self._stdout.fileno(), self._stdin.fileno())

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """As of `Popen.poll`; None while it runs."""
        return self._process.poll()

    def send(self, frame: Frame) -> None:
        """Send a frame, as far as the pipe takes it now; `flush` sends the rest."""
        self._unsent += frame.to_bytes()
        self.flush()

    def flush(self) -> None:
        """Send what the pipe did not take before."""
        while self._unsent:
            written = write_some(self._stdin.fileno(), self._unsent)
            if not written:
                return
            self._unsent = self._unsent[written:]

    def read(self) -> bool:
        """Read what has come; False if nothing has."""
        data = None if self.at_end else read_some(self._stdout.fileno())
        if data is None:
            return False
        self.at_end = not data
        self._frames.feed(data)
        return bool(data)

    def frame(self) -> Frame | None:
        """The next whole frame of what was read.

        Raises
        ------
        ProtocolError
            If there is something else.
        """
        return self._frames.take()

    def log(self) -> bytes:
        """The end of what it printed, 200 kB at most."""
        try:
            with open(self._log_path, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
                newer = file.read(LOG_BYTES)
        except OSError:
            newer = b""  # The folder has gone with the process.
        return (self._frames.noise + self._older_log + newer)[-LOG_BYTES:]

    def shorten_log(self) -> None:
        """Keep a process that prints without end from filling the disk."""
        try:
            if self._log_path.stat().st_size > _LOG_ON_DISK:
                self._older_log = self.log()
                os.truncate(self._log_path, 0)
        except OSError:
            return  # Gone with the process, or locked: the next time will do.

    def kill(self) -> None:
        """End the process and all that it started."""
        if self._process.poll() is None:
            _kill_tree(self._process)
        self._stdin.close()
        self._stdout.close()

    def is_gone(self) -> bool:
        """Whether a killed process has ended; its folder is then removed."""
        if self._process.poll() is None:
            return False
        self._remove_folder()
        return True

    def close(self) -> None:
        """Kill it, and wait until it is gone."""
        self.kill()
        until = time.monotonic() + _CLOSING_S
        while not self.is_gone() and time.monotonic() < until:
            time.sleep(0.005)


if sys.platform == "win32":

    def _kill_tree(process: subprocess.Popen[bytes]) -> None:
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(process.pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=subprocess.CREATE_NO_WINDOW,
            check=False,
        )

else:

    def _kill_tree(process: subprocess.Popen[bytes]) -> None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # Ended just now; macOS says so in its own way.
