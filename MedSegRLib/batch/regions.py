"""Regions: what a body part shows, so that "HEAD" of a DICOM header and "brain" of a question meet."""

from __future__ import annotations

import re

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.regions import REGIONS

__all__ = ["LIMBS", "regions_of"]

# No region of the anatomy table, so nothing in them is asked for; but a knee is known not to be a head.
LIMBS = "limbs"

# The beginnings of body parts in DICOM (PS3.16 annex L) and of the words for them -> what is then in view.
_SHOWN = {
    "wholebody": REGIONS,
    "brain": ("brain",),
    "head": ("brain", "head_neck"),
    "skull": ("brain", "head_neck"),
    "orbit": ("brain", "head_neck"),
    "neck": ("head_neck",),
    "chest": ("thorax", "heart"),
    "thorax": ("thorax", "heart"),
    "lung": ("thorax", "heart"),
    "breast": ("thorax", "heart"),
    "heart": ("heart", "thorax"),
    "cardiac": ("heart", "thorax"),
    "abdomen": ("abdomen",),
    "abd": ("abdomen",),
    "pelvis": ("pelvis",),
    "pelv": ("pelvis",),
    "cspine": ("spine", "head_neck"),
    "tspine": ("spine", "thorax"),
    "lspine": ("spine",),
    "sspine": ("spine", "pelvis"),
    "spine": ("spine",),
    "hip": ("pelvis", LIMBS),
    **dict.fromkeys(
        ("extremity", "arm", "leg", "shoulder", "elbow", "forearm", "wrist", "hand", "finger", "thumb",
         "thigh", "knee", "ankle", "foot", "toe", "calf"),
        (LIMBS,),
    ),
}  # fmt: skip
# DICOM writes several parts as one word, such as CHESTABDPELVIS; longer names first.
_PARTS = re.compile("|".join(sorted(_SHOWN, key=len, reverse=True)))
_WHOLE = re.compile(rf"(?:{_PARTS.pattern})+")


def regions_of(body_part: str) -> frozenset[str]:
    """The regions that a scan of a body part shows; empty where the words name none that is known.

    Parameters
    ----------
    body_part
        As DICOM's BodyPartExamined, a list or a question file says; an organ stands for its region.

    Examples
    --------
    >>> sorted(regions_of("CHESTABDPELVIS"))
    ['abdomen', 'heart', 'pelvis', 'thorax']
    >>> sorted(regions_of("Liver")), sorted(regions_of("head_neck")), sorted(regions_of("Nobody knows"))
    (['abdomen'], ['head_neck'], [])
    """
    words = re.findall(r"[^\W_]+", body_part.lower())
    if "_".join(words) in REGIONS:
        return frozenset(["_".join(words)]) | frozenset(_SHOWN.get("".join(words), ()))
    parts = [part for part in ["".join(words), *words] if _WHOLE.fullmatch(part)]
    if parts:
        return frozenset(region for part in parts for one in _PARTS.findall(part) for region in _SHOWN[one])
    named = load_table().lookup(body_part)
    return frozenset() if named is None else frozenset([named[0].region])
