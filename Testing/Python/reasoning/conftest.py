"""What the tests of reasoning share: a made-up head, and a tiny model whose words are chosen by a script.

The model is the real one with random weights: it reads, keeps its cache, gives its own states and decodes
its own masks. Only which token it writes next is taken from a script. Its masks are noise, so thresholds
are set where a test needs something to be found.
"""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest
import torch

from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.model import MedSegR, Understanding, tiny_model
from MedSegRLib.reasoning import Calibration

LEFT, BOTH, ABSENT, NOTHING_SAID = "where is the left one?", "show both.", "is the heart there?", "hm 1"
EVERY_OTHER = "find it on every other one."
FOLLOW_UP = "and the other?"
ANSWERS = {
    LEFT: "The <p>left hippocampus</p>[SEG].",
    BOTH: "<p>left hippocampus</p>[SEG], <p>right hippocampus</p>[SEG].",
    ABSENT: "No <p>heart</p>[REJ].",
    FOLLOW_UP: "The <p>right hippocampus</p>[SEG].",
    NOTHING_SAID: "",
    # Where several slices are written at once: first, second, first, second, ...
    EVERY_OTHER: ("No <p>brainstem</p>[REJ].", "The <p>brainstem</p>[SEG] is here."),
}

# Nothing is too unlikely to be there, and nothing is there.
EVERYTHING = Calibration(presence_low=0.0, presence_high=0.0, mask_threshold_logit=-1000.0)
# Cuts through the noise, so that masks have a shape that can come out differently.
SHAPED = Calibration(presence_low=0.0, presence_high=0.0, mask_threshold_logit=0.02)
NOTHING = Calibration(presence_low=1.0, presence_high=1.0)


class CountingModel(MedSegR):
    """Notes how many slices it encodes, and what it says about presence, [B, K] for each batch."""

    encoded = 0
    presence = ()

    def encode(self, images):
        self.encoded += len(images)
        return super().encode(images)

    def decode(self, *args):
        decoded = super().decode(*args)
        self.presence = (*self.presence, decoded.presence_logits.sigmoid())
        return decoded


class ScriptedUnderstanding(Understanding):
    """Writes the answer of `ANSWERS` to the question that was asked last; notes what it `heard`."""

    def stream(self, batch, *, sampler=None, **options):
        tokens = iter(self._script(batch, 0))
        return super().stream(batch, sampler=lambda logits: next(tokens), **options)

    def generate(self, batch, **options):
        scripts = [self._script(batch, row) for row in range(len(batch["input_ids"]))]
        steps = zip_longest(*scripts, fillvalue=next(iter(self.end_ids)))

        def write(_module, _inputs, logits):
            tokens = torch.tensor(next(steps))
            return torch.nn.functional.one_hot(tokens, logits.shape[-1])[:, None].to(logits.dtype)

        hook = self.model.get_output_embeddings().register_forward_hook(write)
        try:
            return super().generate(batch, **options)
        finally:
            hook.remove()

    def _script(self, batch, row):
        self.heard = read = self.decode(batch["input_ids"][row].tolist())
        answer = ANSWERS[max(ANSWERS, key=read.rfind)]
        said = answer if isinstance(answer, str) else answer[row % len(answer)]
        return [*self.processor.tokenizer.encode(said, add_special_tokens=False), *self.end_ids]


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
