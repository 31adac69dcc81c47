"""Understanding: any Hugging Face image-text-to-text model, as MedSeg-R reads it.

A `[SEG]` state is the hidden state that *predicts* the token: it stands one position before it, in the
sequence whose pictures are already expanded into image tokens, and is found by token id. States are
taken by a hook on the language decoder (its output, after the final norm); nothing else is kept.

Shapes: B conversations, T tokens, D hidden size, K `[SEG]` tokens of a conversation.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .batching import Batcher
from .conversation import Conversation
from .generation import Generated, PrefixCache, Sampler, Stop, TokenStream, generate, stream_tokens
from .rendering import Renderer
from .sharing import ReadPictures, answer_states, read_pictures

__all__ = ["SPECIAL_TOKENS", "PrefixCache", "ReadPictures", "States", "Understanding"]

SPECIAL_TOKENS = ("[SEG]", "[REJ]", "<p>", "</p>")


@dataclass(frozen=True)
class States:
    """Hidden states [B, T, D] (the state at t predicts token t + 1), and logits [B, T, V] if wanted."""

    hidden: Tensor
    logits: Tensor | None = None


class Understanding(nn.Module):
    """A multimodal language model with its processor.

    Parameters
    ----------
    model
        A Hugging Face model for image-text-to-text.
    processor
        Its processor; the tokenizer gets `SPECIAL_TOKENS`, one id each, and the embeddings grow with it.

    Raises
    ------
    ValueError
        If a special token is not one token of its own.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        super().__init__()
        self.model = model
        self.processor = processor
        tokenizer = processor.tokenizer
        tokenizer.add_tokens(
            [_special(token) for token in SPECIAL_TOKENS if token not in tokenizer.get_vocab()],
            special_tokens=True,
        )
        ids = [tokenizer.encode(token, add_special_tokens=False) for token in SPECIAL_TOKENS]
        if any(len(i) != 1 for i in ids) or len({i[0] for i in ids}) != len(ids):
            raise ValueError(f"the special tokens {SPECIAL_TOKENS} are not one token each: {ids}")
        self.seg_id, self.rej_id = int(ids[0][0]), int(ids[1][0])
        # A published embedding is often padded beyond the vocabulary: it only ever grows.
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(len(tokenizer))
        self.image_token_id = _image_token_id(model, processor)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._ours = frozenset(i[0] for i in ids)
        # A tokenizer need not name all its control tokens: turn marks are often only "added".
        added = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items() if token.special}
        self._control = frozenset((*tokenizer.all_special_ids, *added)) - self._ours
        self._batcher = Batcher(
            processor,
            Renderer(
                processor,
                tuple(dict.fromkeys((*SPECIAL_TOKENS, *tokenizer.all_special_tokens, *added.values()))),
            ),
            accepted=frozenset(inspect.signature(model.forward).parameters),
        )

    @classmethod
    def from_pretrained(cls, folder: str | Path, dtype: torch.dtype = torch.float32) -> Understanding:
        """Load a folder of safetensors, configuration and processor files; nothing is downloaded.

        Raises
        ------
        CheckpointError
            If a weight is missing, of another shape or not known; the sentence names it.
        """
        from .pretrained import load_pretrained

        return cls(*load_pretrained(Path(folder), dtype))

    def save_pretrained(self, folder: str | Path, dtype: torch.dtype | None = None) -> None:
        """Write model and processor into a folder; `dtype` is the number type of the stored weights."""
        state = self.model.state_dict()
        if dtype is not None:
            # Weights that share their memory still share it afterwards, and are stored once.
            stored = {
                value.data_ptr(): value.to(dtype) if value.is_floating_point() else value
                for value in state.values()
            }
            state = {key: stored[value.data_ptr()] for key, value in state.items()}
        self.model.save_pretrained(folder, state_dict=state)
        self.processor.save_pretrained(folder)

    @property
    def hidden_size(self) -> int:
        """Length of a hidden state."""
        return int(self.model.config.get_text_config().hidden_size)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the weights."""
        return next(self.model.parameters()).dtype

    @property
    def end_ids(self) -> frozenset[int]:
        """Token ids that end an answer."""
        config = getattr(self.model, "generation_config", None)
        named = getattr(config, "eos_token_id", None)
        ids = list(named) if isinstance(named, list | tuple) else [named]
        return frozenset(int(i) for i in (*ids, self.processor.tokenizer.eos_token_id) if i is not None)

    def batch(
        self,
        conversations: Sequence[Conversation],
        pictures: Sequence[Sequence[np.ndarray]],
        *,
        answer_open: bool,
        training: bool = False,
    ) -> dict[str, Tensor]:
        """Make the tensors of a batch of conversations.

        Parameters
        ----------
        conversations
            B conversations.
        pictures
            Of each conversation its pictures, uint8 [H, W, 3].
        answer_open
            True to let the model speak next (padded on the left), False for whole conversations
            (padded on the right).
        training
            True to add `labels`, -100 but for the assistant's tokens and its end of turn.

        Returns
        -------
        dict
            What the model's forward takes, and `picture_counts` [B], `answer_start` [B] (the position
            of the first token of the last assistant turn; T if there is none).
        """
        made = self._batcher.batch(conversations, pictures, answer_open=answer_open, training=training)
        return {
            key: value.to(self.device, self.dtype if value.is_floating_point() else None)
            for key, value in made.items()
        }

    def forward(self, batch: dict[str, Tensor], *, logits: bool = False) -> States:
        """Run `forward_states`, under the name that wrappers such as DataParallel call."""
        return self.forward_states(batch, logits=logits)

    def forward_states(self, batch: dict[str, Tensor], *, logits: bool = False) -> States:
        """Read a batch once; logits [B, T, V] only if wanted, since they are the larger part of the work."""
        with self.captured() as caught:
            output = self.model(**model_inputs(batch), use_cache=False, logits_to_keep=0 if logits else 1)
        return States(caught[-1], output.logits if logits else None)

    def seg_states(
        self, batch: dict[str, Tensor], hidden: Tensor, *, last_answer: bool = False
    ) -> list[Tensor]:
        """Of each conversation the states [K, D] that predict its `[SEG]` tokens, in their order.

        With `last_answer` only those of the last assistant turn.
        """
        found = self.predicts(batch, self.seg_id, last_answer=last_answer)
        return [hidden[row][found[row]] for row in range(len(hidden))]

    def predicts(self, batch: dict[str, Tensor], token_id: int, *, last_answer: bool = False) -> Tensor:
        """Bool [B, T], True where the next token is the one asked for."""
        ids = batch["input_ids"]
        found = torch.zeros_like(ids, dtype=torch.bool)
        found[:, :-1] = ids[:, 1:] == token_id
        if last_answer:
            found &= torch.arange(1, ids.shape[1] + 1, device=ids.device) >= batch["answer_start"][:, None]
        return found

    def image_states(self, batch: dict[str, Tensor], hidden: Tensor) -> list[list[Tensor]]:
        """Of each conversation, of each of its pictures, the states [gh, gw, D] of its image positions."""
        at = batch["input_ids"] == self.image_token_id
        grids = iter(self._grids(batch, at))
        states = []
        for row, count in enumerate(batch["picture_counts"].tolist()):
            flat, row_states, start = hidden[row][at[row]], [], 0
            for _ in range(count):
                h, w = next(grids)
                row_states.append(flat[start : start + h * w].reshape(h, w, -1))
                start += h * w
            states.append(row_states)
        return states

    def read_pictures(self, pictures: Sequence[np.ndarray]) -> ReadPictures:
        """Read B pictures, one conversation each, so that any number of answers can be tried on them.

        What is kept does not depend on the question: it is made once a volume, and a follow-up only
        reads words. See `answer_states`.
        """
        return read_pictures(self, pictures)

    def answer_states(self, read: ReadPictures, conversation: Conversation) -> Tensor:
        """States [B, K, D] of the `[SEG]` tokens of a conversation's last answer on each of B pictures."""
        return answer_states(self, read, conversation)

    def stream(
        self,
        batch: dict[str, Tensor],
        *,
        max_new_tokens: int,
        stop: Stop | None = None,
        sampler: Sampler | None = None,
        prefix: PrefixCache | None = None,
    ) -> TokenStream:
        """Write an answer token by token (one conversation); the end-of-turn token is not given out.

        Parameters
        ----------
        batch
            One conversation, `answer_open`.
        max_new_tokens
            Most tokens to write.
        stop
            Asked before every token; True ends the answer.
        sampler
            Takes logits [V] and gives a token id; the most likely one if omitted.
        prefix
            What earlier turns of this conversation left; the shared beginning is not read again.

        Returns
        -------
        TokenStream
            An iterator of token ids; its `states` are the states that predicted them.
        """
        return stream_tokens(
            self, batch, max_new_tokens=max_new_tokens, stop=stop, sampler=sampler, prefix=prefix
        )

    def generate(
        self, batch: dict[str, Tensor], *, max_new_tokens: int, stop: Stop | None = None
    ) -> list[Generated]:
        """Write the most likely answer to each of B conversations at once, with their `[SEG]` states."""
        return generate(self, batch, max_new_tokens=max_new_tokens, stop=stop)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids; `SPECIAL_TOKENS` are kept, the tokenizer's other control tokens dropped."""
        kept = [i for i in ids if i not in self._control]
        return str(
            self.processor.tokenizer.decode(
                kept, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
        )

    @contextmanager
    def captured(self) -> Iterator[list[Tensor]]:
        """Catch what the language decoder gives out, [B, T, D], one entry a forward."""
        caught: list[Tensor] = []

        def hook(_module: nn.Module, _inputs: object, output: Any) -> None:
            caught.append(output[0])

        handle = self.model.get_decoder().register_forward_hook(hook)
        try:
            yield caught
        finally:
            handle.remove()

    def _grids(self, batch: dict[str, Tensor], at: Tensor) -> list[tuple[int, int]]:
        if "image_grid_thw" in batch:
            merge = self.processor.image_processor.merge_size
            return [(int(h) // merge, int(w) // merge) for _, h, w in batch["image_grid_thw"].tolist()]
        grids: list[tuple[int, int]] = []
        for tokens, count in zip(at.sum(1).tolist(), batch["picture_counts"].tolist(), strict=True):
            side = round((tokens / count) ** 0.5) if count else 0
            if side * side * count != tokens:
                raise ValueError(f"{tokens} image tokens are not {count} square pictures")
            grids += [(side, side)] * count
        return grids


def model_inputs(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what the model's forward takes of a batch."""
    return {
        key: value for key, value in batch.items() if key not in ("labels", "picture_counts", "answer_start")
    }


def _special(token: str) -> Any:
    from transformers import AddedToken

    return AddedToken(token, special=True, normalized=False)


def _image_token_id(model: Any, processor: Any) -> int:
    for name in ("image_token_id", "image_token_index"):
        value = getattr(model.config, name, None)
        if value is not None:
            return int(value)
    return int(processor.tokenizer.convert_tokens_to_ids(processor.image_token))
