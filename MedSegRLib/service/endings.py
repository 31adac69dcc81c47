"""Endings: why a worker is no more, in a sentence for people."""

from __future__ import annotations

import signal

_ASK_AGAIN = "what was answered before is kept, so ask again"
# As Windows numbers them: no memory left, and a page file that is too small.
_WINDOWS_MEMORY_CODES = (0xC0000017, 0xC000012D)


def ended(code: int, last_line: str, *, ready: bool) -> str:
    """Say how a process ended by itself.

    Parameters
    ----------
    code
        As of `Popen.returncode`; a negative one is a signal.
    last_line
        The last line of its log.
    ready
        Whether it had said hello.
    """
    number = _signal_of(code)
    if number == getattr(signal, "SIGKILL", None) or code in _WINDOWS_MEMORY_CODES:
        return (
            "The model's process was killed from outside, most often because memory was full; "
            f"{_ASK_AGAIN}, with other programs closed or about fewer slices."
        )
    if number is not None or code > 0x80000000:
        name = hex(code) if number is None else _name(number)
        return (
            f"The model's process crashed ({name}), which comes from a driver or a compiled library and "
            f"not from the scan; {_ASK_AGAIN}, and read its log if it happens again."
        )
    why = f"exit code {code}: {last_line}" if last_line else f"exit code {code}"
    if not ready:
        return (
            f"The model's process ended before it was ready ({why}); "
            "read its log, install again what it names, or choose another Python."
        )
    return f"The model's process ended ({why}); {_ASK_AGAIN}, and read its log if it happens again."


def starved(seconds: float) -> str:
    """Say that no sign of life came."""
    return (
        f"The model's process gave no sign of life for {seconds:g} s and was ended, as happens where "
        f"the computer has too little memory; {_ASK_AGAIN}, with other programs closed."
    )


def deaf(seconds: float) -> str:
    """Say that a stop was not obeyed."""
    return f"The model's process did not stop within {seconds:g} s and was ended; another one is started."


def garbled() -> str:
    """Say that something else than frames came."""
    return (
        "The model's process sent something that is not MedSeg-R's protocol and was ended; "
        "check which Python was chosen, and read its log."
    )


def _signal_of(code: int) -> int | None:
    # A launcher passes its child's signal on as 128 and more. Windows has no signals, but larger codes.
    return -code if code < 0 else code - 128 if 128 < code < 160 else None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
