"""Growing: a model that offers more structures goes on from one that offers the first of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from MedSegRLib.model.medsegr import MedSegR

__all__ = ["grown_state"]

_HEAD = "grounding.mask_decoder.semantic_head."
_READS = "grounding.mask_decoder.detail_hypernetwork.layers.2."
# How much less likely than nothing a new structure is at first: one pixel in a thousand.
_RARE = 7.0


def grown_state(start: MedSegR, model: MedSegR) -> Mapping[str, Tensor]:
    """The weights of `start` for `model`, whose list of structures begins with that of `start`.

    What is read of a structure, and what weighs it, keeps its weights. A new structure begins as a rare kind
    of nothing that no prompt asks for, so that masks stay what they were. If the two differ in anything else,
    the weights are those of `start` as they are.
    """
    theirs, ours = dict(start.state_dict()), model.state_dict()
    begun, aim = start.grounding.config, model.grounding.config
    known, wanted = begun.semantic_classes, aim.semantic_classes
    same_but_for_it = replace(begun, semantic_classes=wanted) == aim
    if wanted == known or not same_but_for_it or model.config.offered[:known] != start.config.offered:
        return theirs
    # The head reads nothing, the structures, the side; the decoder weighs the structures, left and right.
    detail = begun.detail_dim
    rows = {_HEAD: (1 + known, 1 + wanted), _READS: (detail + known, detail + wanted)}
    for prefix, (old, new) in rows.items():
        for name in (prefix + "weight", prefix + "bias"):
            grown = torch.zeros_like(ours[name])
            grown[:old], grown[new:] = theirs[name][:old], theirs[name][old:]
            if prefix == _HEAD:
                grown[old:new] = grown[0]
            theirs[name] = grown
    theirs[_HEAD + "bias"][1 + known : 1 + wanted] -= _RARE
    return theirs
