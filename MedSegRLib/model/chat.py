"""Chat: a language model of Hugging Face that answers messages in text; no picture, no mask.

It writes conversations for data sets; the model that is asked about scans is `medsegr`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from MedSegRLib.errors import CheckpointError, MemoryFullError

__all__ = ["ChatModel", "open_chat_model"]


@dataclass(frozen=True, eq=False)
class ChatModel:
    """A causal language model and its tokenizer; make it with `open_chat_model`."""

    name: str
    model: PreTrainedModel = field(repr=False)
    tokenizer: Any = field(repr=False)

    def reply(
        self, messages: list[dict[str, str]], *, most_tokens: int, seed: int, temperature: float = 0.8
    ) -> str:
        """Answer messages.

        Parameters
        ----------
        messages
            Each with a role ("system", "user", "assistant") and a content.
        most_tokens
            The longest answer.
        seed
            The same seed draws the same words; the caller's random numbers stay as they are.
        temperature
            0 for the most likely words.

        Raises
        ------
        MemoryFullError
            If the model's answer does not fit into memory.
        """
        inputs = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        ).to(self.model.device)
        drawn = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
        devices = [self.model.device] if self.model.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices), torch.inference_mode():
                torch.manual_seed(seed)
                written = self.model.generate(  # type: ignore[operator]
                    **inputs, max_new_tokens=most_tokens, pad_token_id=self.tokenizer.pad_token_id, **drawn
                )
        except torch.OutOfMemoryError as error:
            raise MemoryFullError(
                "There is not enough memory for the language model's answer; choose a smaller model."
            ) from error
        text: str = self.tokenizer.decode(
            written[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return text


def open_chat_model(folder: Path) -> ChatModel:
    """Open a folder of a causal language model with a chat template; nothing is downloaded.

    Raises
    ------
    CheckpointError
        If the folder holds none.
    """
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder} holds no language model (no config.json); give such a folder.")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype="auto", local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{folder} cannot be opened as a language model ({str(error).splitlines()[0][:200]}); "
            "give the folder of a causal language model of Hugging Face."
        ) from error
    if not tokenizer.chat_template:
        raise CheckpointError(f"The tokenizer of {folder} has no chat template; give a model that chats.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)  # type: ignore[arg-type]
    return ChatModel(folder.name, model.eval(), tokenizer)
