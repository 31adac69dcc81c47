"""Regions: the parts of the body that a scan can be of, and what an index of scans calls them."""

from __future__ import annotations

__all__ = ["REGIONS", "region_named"]

REGIONS = ("brain", "head_neck", "thorax", "heart", "abdomen", "pelvis", "spine")

# How an index begins to name a region -> which it is.
_NAMED = {
    "abdomen": "abdomen", "brain": "brain", "head and neck": "head_neck", "heart": "heart",
    "hippocampus": "brain", "lumbar spine": "spine", "neck": "spine", "right chest": "thorax",
    "spine": "spine", "thorax": "thorax", "whole head": "brain",
}  # fmt: skip


def region_named(said: str) -> str | None:
    """The region that an index means; None for one that nobody knows.

    >>> region_named("abdomen+pelvis"), region_named("head_neck"), region_named("toe")
    ('abdomen', 'head_neck', None)
    """
    if said in REGIONS:
        return said
    return next((region for start, region in _NAMED.items() if said.startswith(start)), None)
