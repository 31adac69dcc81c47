"""Worker's pipe: frames to the client, frames from it, a sign of life each second, and the end."""

from __future__ import annotations

import os
import queue
import shutil
import threading
import time
from typing import NoReturn

from .protocol import Frame, FrameReader, message

_BEAT_S = 1.0


class Pipe:
    """Both directions; it reads and gives signs of life in threads of its own.

    The process ends when the client does: when its end of the pipe is closed, when nothing can be written
    any more, or when the parent is another one. The private folder, which holds scans, goes with it.

    Parameters
    ----------
    requests_fd, replies_fd
        Descriptors of the pipes.
    folder
        The private folder.
    """

    def __init__(self, requests_fd: int, replies_fd: int, folder: str) -> None:
        self.folder = folder
        self._requests_fd, self._replies_fd = requests_fd, replies_fd
        self._writing = threading.Lock()
        self._requests: queue.Queue[Frame] = queue.Queue()
        self._stopped_question: int | None = None
        self._parent = os.getppid()
        for work in (self._read, self._beat):
            threading.Thread(target=work, daemon=True).start()

    def send(self, frame: Frame) -> None:
        """Write a frame; waits as long as the client takes nothing."""
        data = memoryview(frame.to_bytes())
        with self._writing:
            try:
                while data:
                    data = data[os.write(self._replies_fd, data) :]
            except OSError:
                self.end()

    def next_request(self) -> Frame:
        """Wait for the next request that is no stop."""
        return self._requests.get()

    def is_stopped(self, number: int) -> bool:
        """Whether question `number` is to be stopped."""
        return self._stopped_question == number

    def end(self) -> NoReturn:
        """End at once, whatever is being computed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os._exit(0)

    def _read(self) -> None:
        reader = FrameReader()
        while data := os.read(self._requests_fd, 1 << 16):
            reader.feed(data)
            while (frame := reader.take()) is not None:
                if frame.header["type"] == "cancel":
                    self._stopped_question = frame.header["id"]
                else:
                    self._requests.put(frame)
        self.end()

    def _beat(self) -> None:
        while True:
            # On Windows a parent's number stays, and the closed pipe alone tells.
            if os.getppid() != self._parent:
                self.end()
            self.send(message("alive"))
            time.sleep(_BEAT_S)
