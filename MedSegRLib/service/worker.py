"""Worker: the model's process, from its hello to its last question.

Imports nothing beyond the standard library until it knows what this Python has, so that it can tell what
is missing. A mistake of ours ends the process with a traceback in the log; the client tells that, and
starts another one.
"""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from MedSegRLib import __version__

from .hello import LIBRARY
from .packages import what_is_wrong
from .protocol import PROTOCOL, Frame, message
from .worker_pipe import Pipe

if TYPE_CHECKING:
    from .worker_sessions import Sessions


def main(requests_fd: int, replies_fd: int, folder: str) -> None:
    """Say hello, then answer questions until the client is gone."""
    pipe = Pipe(requests_fd, replies_fd, folder)
    sentence = what_is_wrong()
    if sentence:
        pipe.send(message("refused", protocol=PROTOCOL, sentence=sentence))
        return
    from .worker_sessions import Sessions

    sessions = Sessions(folder)
    pipe.send(_hello())
    while True:
        request = pipe.next_request()
        if request.header["type"] == "ask":
            _answer(pipe, sessions, request)
        elif request.header["type"] == "open":
            sessions.open_early(request.header["model"])
            pipe.send(message("opened"))


def _hello() -> Frame:
    import torch
    import transformers

    from .worker_models import device, installed_models

    return message(
        "hello",
        protocol=PROTOCOL,
        software_version=__version__,
        library=LIBRARY,
        python=platform.python_version(),
        executable=sys.executable,
        torch=torch.__version__,
        transformers=transformers.__version__,
        device=f"cuda ({torch.cuda.get_device_name()})" if device().type == "cuda" else "cpu",
        models=[model.to_dict() for model in installed_models()],
    )


def _answer(pipe: Pipe, sessions: Sessions, request: Frame) -> None:
    from MedSegRLib.answers import Failed, MedSegRError, Question

    from .packing import Packer

    asked, packer = request.header, Packer()
    number: int = asked["id"]
    question = Question.from_dict(asked["question"])
    try:
        session = sessions.of(asked["volume"], asked["model"], question.plane)
    except MedSegRError as error:
        pipe.send(packer.pack(number, Failed(error)))
        return
    session.take_over([(one["question"], one["raw"], one["absent"]) for one in asked["earlier"]])
    config, window = session.model.config, session.window
    pipe.send(
        message(
            "begun",
            id=number,
            model=config.name,
            model_version=config.version,
            window={"low": window.low, "high": window.high, "name": window.name},
            plane=session.plane.value,
        )
    )
    for event in session.stream(question, stop=lambda: pipe.is_stopped(number)):
        if isinstance(event, Failed):
            sessions.after(event.error)
        pipe.send(packer.pack(number, event))
