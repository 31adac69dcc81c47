"""Talk: the model's answer in words, written freely over the key slices and the conversation so far.

Pictures of the key slices stand before the first question, so that a follow-up about the same slices
reads only its own words (`PrefixCache`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from MedSegRLib.answers import StreamingText
from MedSegRLib.errors import QuestionError
from MedSegRLib.model import Conversation, PrefixCache, Turn, Understanding

__all__ = ["Talk", "conversation", "sampler_of"]


class Talk:
    """One answer being written; iterate over `deltas`, then read `raw`.

    Parameters
    ----------
    understanding
        The language model.
    earlier
        Exchanges so far, (question, raw answer) each; the oldest are left out if there is no room.
    question
        What is asked now.
    pictures
        Of the key slices, uint8 [H, W, 3].
    max_new_tokens
        Most tokens to write.
    prefix
        What earlier answers of this conversation left; it is read and changed.
    """

    def __init__(
        self,
        understanding: Understanding,
        earlier: Sequence[tuple[str, str]],
        question: str,
        pictures: Sequence[np.ndarray],
        *,
        max_new_tokens: int,
        prefix: PrefixCache,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.raw = ""
        self._understanding, self._prefix = understanding, prefix
        self._max_new_tokens = max_new_tokens
        self._sampler = sampler_of(temperature, seed)
        self._batch = self._fitting_batch(list(earlier), question, pictures)

    @torch.inference_mode()
    def _fitting_batch(
        self, earlier: list[tuple[str, str]], question: str, pictures: Sequence[np.ndarray]
    ) -> dict[str, Tensor]:
        config = self._understanding.model.config.get_text_config()
        room = getattr(config, "max_position_embeddings", None)
        while True:
            spoken = conversation(earlier, question)
            batch = self._understanding.batch([spoken], [pictures], answer_open=True)
            if room is None or batch["input_ids"].shape[1] + self._max_new_tokens <= room:
                return batch
            if not earlier:
                raise QuestionError("The question is longer than the model can read; ask it in fewer words.")
            del earlier[0]

    def deltas(self) -> Iterator[str]:
        """Visible text, one piece for every token; empty where a token shows nothing.

        To stop early, stop iterating: what is written so far stays in `raw`.
        """
        shown = StreamingText()
        with torch.inference_mode():
            tokens = self._understanding.stream(
                self._batch,
                max_new_tokens=self._max_new_tokens,
                sampler=self._sampler,
                prefix=self._prefix,
            )
        ids: list[int] = []
        while True:
            # Not around the yield: inference mode would leak into the caller.
            with torch.inference_mode():
                token = next(tokens, None)
            if token is None:
                break
            ids.append(token)
            text = self._understanding.decode(ids)
            # A half-written character is shown when its last byte has come.
            if text.endswith("\ufffd"):
                yield ""
                continue
            delta, self.raw = text[len(self.raw) :], text
            yield shown.feed(delta)
        text = self._understanding.decode(ids)
        delta, self.raw = text[len(self.raw) :], text
        yield shown.feed(delta) + shown.finish()


def conversation(
    earlier: Sequence[tuple[str, str]], question: str, answer: str | None = None
) -> Conversation:
    """Earlier exchanges, the question and, if given, its answer as turns."""
    turns: list[Turn] = []
    for asked, answered in earlier:
        turns += [Turn("user", asked), Turn("assistant", answered)]
    turns.append(Turn("user", question))
    if answer is not None:
        turns.append(Turn("assistant", answer))
    return tuple(turns)


def sampler_of(temperature: float, seed: int) -> Callable[[Tensor], int] | None:
    """Draw tokens by their probability, the same ones for the same seed; None for the most likely ones."""
    if temperature <= 0.0:
        return None
    generator = torch.Generator().manual_seed(seed)

    def draw(logits: Tensor) -> int:
        probability = torch.softmax(logits.float().cpu() / temperature, dim=-1)
        return int(torch.multinomial(probability, 1, generator=generator))

    return draw
