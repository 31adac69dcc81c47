"""Plain: what the grounding's pixels say without a question, to see what asking costs.

The mask decoder's semantic head reads every offered structure and its side on each pixel, as an ordinary
segmentation network does; its best class is scored like an answer's masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.errors import UserInputError
from MedSegRLib.imaging import Volume
from MedSegRLib.model import MedSegR
from MedSegRLib.reasoning.ground import Grounder
from MedSegRLib.reasoning.laying_out import lay_out
from MedSegRLib.reasoning.memory import Memory

from .cases import Case
from .results import PatientPart
from .structures16 import Part, load_protocol, score_parts
from .suites import Progress

__all__ = ["plain", "read_parts"]

_TOGETHER = 16


def plain(cases: Sequence[Case], model: MedSegR, tell: Progress) -> Iterator[PatientPart]:
    """Score what the semantic head reads of every brain; groups are named apart from the asked ones.

    Raises
    ------
    UserInputError
        If the model has no semantic head for the structures that it offers.
    """
    if model.grounding.config.semantic_classes != len(model.config.offered):
        raise UserInputError("This model has no semantic head; leave the suite plain out.")
    for case in cases:
        volume, labels = case.load()
        found = {part: (mask, None) for part, mask in read_parts(model, volume).items()}
        scores = score_parts(found, labels, load_protocol(case.protocol or ""), volume.spacing_mm)
        mean = sum(score.dice for score in scores) / len(scores)
        tell(f"{case.group}, {case.patient}: mean Dice {mean:.3f}, read without a question")
        group = f"{case.group}, read without a question"
        yield from (PatientPart(group, case.patient, score) for score in scores)


@torch.inference_mode()
def read_parts(model: MedSegR, volume: Volume) -> dict[Part, np.ndarray]:
    """Masks bool [K, J, I] of every part that is the likeliest of some pixel."""
    config, table = model.config, load_table()
    laid_out = lay_out(volume, config)
    stack, canvas = laid_out.stack, laid_out.canvas
    grounder = Grounder(model, canvas, Memory())
    slices = canvas.filled()
    classes = np.zeros(stack.voxels.shape, np.uint8)
    left = np.zeros(stack.voxels.shape, np.bool_)
    for start in range(0, len(slices), _TOGETHER):
        some = list(slices[start : start + _TOGETHER])
        embedding, _ = grounder.recall(some)
        read = model.grounding.mask_decoder.read(embedding.fine[2]).float()
        read[:, :-1] = read[:, :-1].log_softmax(1)
        for row, index in zip(read, some, strict=True):
            logits = grounder.restore(row)
            # Outside the canvas every class is as unlikely as any, and the first is "nothing".
            classes[index] = logits[:-1].argmax(0).cpu().numpy()
            left[index] = (logits[-1] > 0).cpu().numpy()
    found: dict[Part, np.ndarray] = {}
    for number, name in enumerate(config.offered):
        here = classes == number + 1
        sides = {Side.LEFT: here & left, Side.RIGHT: here & ~left}
        for side, mask in (sides if table[name].sided else {Side.NONE: here}).items():
            if mask.any():
                found[(name, side)] = stack.scatter(mask)
    return found
