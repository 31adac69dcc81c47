"""Growing: a model that offers more structures goes on from one that offers the first of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from MedSegRLib.model.medsegr import MedSegR

__all__ = ["grown_state"]

_HEAD = "grounding.mask_decoder.semantic_head."
_READS = "grounding.mask_decoder.detail_hypernetwork.layers.2."


def grown_state(start: MedSegR, model: MedSegR) -> Mapping[str, Tensor]:
    """The weights of `start` for `model`, whose list of structures begins with that of `start`.

    What is read of a structure, and what weighs it, keeps its weights; those of a new structure are as
    `model` has them. Any other difference between the two is left as it is.
    """
    theirs, ours = dict(start.state_dict()), model.state_dict()
    known, wanted = start.grounding.config.semantic_classes, model.grounding.config.semantic_classes
    if wanted == known or model.config.offered[:known] != start.config.offered:
        return theirs
    # The head reads nothing, the structures, the side; the decoder weighs the structures, left and right.
    detail = start.grounding.config.detail_dim
    rows = {_HEAD: (1 + known, 1 + wanted), _READS: (detail + known, detail + wanted)}
    for prefix, (old, new) in rows.items():
        for name in (prefix + "weight", prefix + "bias"):
            grown = ours[name].clone()
            grown[:old], grown[new:] = theirs[name][:old], theirs[name][old:]
            theirs[name] = grown
    return theirs
