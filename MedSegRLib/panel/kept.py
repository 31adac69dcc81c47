"""Kept answers: what a conversation holds of them, small enough for hundreds."""

from __future__ import annotations

from MedSegRLib.answers import Answer
from MedSegRLib.service.packing import pack_mask, unpack_mask

__all__ = ["KeptAnswer"]


class KeptAnswer:
    """An answer with its masks packed: whole, each of them is as large as the scan.

    Parameters
    ----------
    answer
        Not held on to; its volume is.

    Attributes
    ----------
    told
        What `Answer.to_dict` gave.
    """

    def __init__(self, answer: Answer) -> None:
        self.told, self._volume = answer.to_dict(), answer.volume
        self._masks = [pack_mask(finding.mask) for finding in answer.findings]

    def whole(self) -> Answer:
        """The answer again, made anew."""
        masks = [unpack_mask(header, payload) for header, payload in self._masks]
        return Answer.from_dict(self.told, self._volume, masks)
