"""What the shipped architecture promises beyond any language model: its tokens, pictures and batches."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegRLib.model import MedSegR, Turn, save_checkpoint, tiny_model
from MedSegRLib.model.conversation import neutralise

Picture = Callable[[int], np.ndarray]
ROOT = Path(__file__).resolve().parents[3]
ANSWERED = (Turn("user", "Where?"), Turn("assistant", "<p>left</p>[SEG]"))


def test_a_picture_is_64_tokens_in_order_and_runs_from_minus_one_to_one(
    tiny: MedSegR, picture: Picture
) -> None:
    understanding = tiny.understanding
    dark, bright = np.zeros((96, 96, 3), np.uint8), np.full((96, 96, 3), 255, np.uint8)
    batch = understanding.batch(
        [ANSWERED, ANSWERED], [[dark, bright, picture(0)], [picture(1)]], answer_open=False
    )
    assert (batch["input_ids"] == understanding.image_token_id).sum(1).tolist() == [192, 64]
    assert batch["picture_counts"].tolist() == [3, 1]
    levels = batch["pixel_values"].flatten(1)
    torch.testing.assert_close(levels[0], torch.full_like(levels[0], -1.0))
    torch.testing.assert_close(levels[1], torch.full_like(levels[1], 1.0))
    text = understanding.processor.tokenizer.decode(batch["input_ids"][1])
    assert text.startswith("<s><|user|>" + "<image>" * 64 + " where?<|end|><|assistant|>")


def test_image_states_are_row_by_row(tiny: MedSegR) -> None:
    """A bright patch changes nothing before its own position in reading order."""
    dark = np.zeros((96, 96, 3), np.uint8)
    patch = dark.copy()
    patch[36:48, 60:72] = 255  # row 3, column 5 of the 8 x 8 positions
    batch = tiny.understanding.batch([ANSWERED] * 2, [[dark], [patch]], answer_open=False)
    with torch.no_grad():
        # The vision transformer sees the whole picture; its input does not.
        embedded = tiny.understanding.model.model.vision_tower.embeddings(batch["pixel_values"])
    changed = (embedded[0] != embedded[1]).any(-1).reshape(8, 8)
    assert changed.nonzero().tolist() == [[3, 5]]


@pytest.mark.parametrize("typed", ["[SEG]", "[seg]", "<|end|>", "<IMAGE>", "</p>", "<|assistant|>"])
def test_what_is_typed_never_becomes_a_control_token(tiny: MedSegR, picture: Picture, typed: str) -> None:
    understanding = tiny.understanding
    control = set(understanding.processor.tokenizer.all_special_ids)

    def controls(text: str) -> list[int]:
        batch = understanding.batch([(Turn("user", text),)], [[picture(0)]], answer_open=True)
        return [i for i in batch["input_ids"][0].tolist() if i in control]

    assert controls(f"what is {typed} here") == controls("what is it here")


def test_neutralised_text_stays_readable() -> None:
    assert neutralise("a [SEG] b [rej]", ["[SEG]", "[REJ]"]) == "a [ SEG] b [ rej]"
    assert neutralise("untouched", ["[SEG]", ""]) == "untouched"


@pytest.mark.parametrize("answer_open", [True, False])
def test_alike_conversations_take_a_shorter_way_to_the_same_batch(
    tiny: MedSegR, picture: Picture, answer_open: bool
) -> None:
    conversation = ANSWERED[:1] if answer_open else ANSWERED
    pictures = [[picture(n)] for n in range(4)]
    make = tiny.understanding.batch
    quick = make([conversation] * 4, pictures, answer_open=answer_open, training=True)
    single = [make([conversation], [p], answer_open=answer_open, training=True) for p in pictures]
    assert quick.keys() == single[0].keys()
    for key in quick:
        torch.testing.assert_close(quick[key], torch.cat([s[key] for s in single]))


def test_open_answers_are_padded_on_the_left(tiny: MedSegR, picture: Picture) -> None:
    batch = tiny.understanding.batch(
        [(Turn("user", "a"),), (Turn("user", "a longer one"),)], [[picture(0)]] * 2, answer_open=True
    )
    assert batch["attention_mask"][:, -1].tolist() == [1, 1]
    assert batch["attention_mask"][0, 0] == 0
    going_on = (Turn("user", "a"), Turn("assistant", "<p>left"))
    ids = tiny.understanding.batch([going_on], [[picture(0)]], answer_open=True)["input_ids"][0]
    assert tiny.understanding.decode(ids[-5:].tolist()) == "<p>left"


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((96, 96), np.uint8), np.zeros((96, 96, 3), np.float32), np.zeros((3, 96, 96), np.uint8)],
)
def test_what_is_no_picture_is_refused(tiny: MedSegR, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        tiny.understanding.batch([ANSWERED], [[wrong]], answer_open=False)


def test_same_seed_same_weights() -> None:
    states = [tiny_model(seed).state_dict() for seed in (1, 1, 2)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


def test_loads_where_torchvision_cannot_be_imported(tiny: MedSegR, tmp_path: Path) -> None:
    save_checkpoint(tiny, tmp_path)
    script = """
import sys
sys.modules["torchvision"] = None  # looked for, it is not there; imported, it is an ImportError
import numpy as np
from MedSegRLib.model import Turn, open_model
model = open_model(sys.argv[1])
batch = model.understanding.batch(
    [(Turn("user", "Where?"),)], [[np.zeros((96, 96, 3), np.uint8)]], answer_open=True
)
list(model.understanding.stream(batch, max_new_tokens=2))
print(type(model.understanding.processor).__name__, sys.modules["torchvision"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["LlavaProcessor", "None"], done.stderr
