"""What the tests of reasoning share: a made-up head, and a tiny model whose words are chosen by a script.

The model is the real one with random weights: it reads, keeps its cache, gives its own states and decodes
its own masks. Only which token it writes next is taken from a script. Its masks are noise, so thresholds
are set where a test needs something to be found.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.model import MedSegR, Understanding, tiny_model
from MedSegRLib.model.generation import Generated
from MedSegRLib.reasoning import Calibration

LEFT, BOTH, ABSENT, NOTHING_SAID = "where is the left one?", "show both.", "is the heart there?", "hm 1"
FOLLOW_UP = "and the other?"
ANSWERS = {
    LEFT: "The <p>left hippocampus</p>[SEG].",
    BOTH: "<p>left hippocampus</p>[SEG], <p>right hippocampus</p>[SEG].",
    ABSENT: "No <p>heart</p>[REJ].",
    FOLLOW_UP: "The <p>right hippocampus</p>[SEG].",
    NOTHING_SAID: "",
}

# Nothing is too unlikely to be there, and nothing is there.
EVERYTHING = Calibration(presence_low=0.0, presence_high=0.0, mask_threshold_logit=-1000.0)
NOTHING = Calibration(presence_low=1.0, presence_high=1.0)


class CountingModel(MedSegR):
    """Notes how many slices it encodes."""

    encoded = 0

    def encode(self, images):
        self.encoded += len(images)
        return super().encode(images)


class ScriptedUnderstanding(Understanding):
    """Writes the answer of `ANSWERS` to the question that was asked last."""

    def stream(self, batch, *, sampler=None, **options):
        read = self.decode(batch["input_ids"][0].tolist())
        asked = max(ANSWERS, key=read.rfind)
        script = self.processor.tokenizer.encode(ANSWERS[asked], add_special_tokens=False)
        tokens = iter([*script, *self.end_ids])
        return super().stream(batch, sampler=lambda logits: next(tokens), **options)

    def generate(self, batch, *, max_new_tokens, stop=None):
        written = []
        pictures = len(batch["pixel_values"]) // len(batch["input_ids"])
        for row in range(len(batch["input_ids"])):
            one = {k: v[row : row + 1] for k, v in batch.items() if k != "pixel_values"}
            one["pixel_values"] = batch["pixel_values"][row * pictures : (row + 1) * pictures]
            tokens = self.stream(one, max_new_tokens=max_new_tokens, stop=stop)
            ids = list(tokens)
            states = [s for i, s in zip(tokens.ids, tokens.states, strict=True) if i == self.seg_id]
            empty = tokens.states[0].new_empty(0, self.hidden_size) if tokens.states else None
            stacked = torch.stack(states) if states else empty
            written.append(Generated(tuple(ids), stacked))
        return written


@pytest.fixture
def model() -> CountingModel:
    made = tiny_model(0)
    made.config = made.config.with_(max_answer_tokens=64, key_slices=2)
    made.__class__ = CountingModel
    made.understanding.__class__ = ScriptedUnderstanding
    return made


def head(shape_kji=(6, 20, 18), ijk_to_ras=None, seed=0) -> Volume:
    """A bright ball in noise; by default on axial slices with 2 x 2 x 3 mm voxels."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1.1, 1.1, n) for n in shape_kji], indexing="ij"))
    inside = (grid**2).sum(0) < 1.3
    voxels = inside * np.random.default_rng(seed).normal(100, 20, shape_kji).clip(50)
    matrix = np.diag([-2.0, -2.0, 3.0, 1.0]) if ijk_to_ras is None else ijk_to_ras
    return Volume(voxels, matrix, Modality.MR, "made-up head")


@pytest.fixture
def volume() -> Volume:
    return head()
