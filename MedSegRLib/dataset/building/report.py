"""Report: what a build has written, counted from its lines, so that stops make no difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

__all__ = ["summary"]


def summary(
    items: Iterable[dict[str, Any]],
    rejected: Iterable[dict[str, Any]],
    done: Iterable[dict[str, Any]],
    trips: Iterable[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Count items, image-mask pairs, kinds of question and the accept rate.

    Parameters
    ----------
    items, rejected, done, trips
        The lines of the four files.

    Returns
    -------
    What the manifest says. A *pair* is one picture (a slice, or a whole scan) with one mask that an answer
    shows; `pictures` counts pictures with at least one mask. The accept rate is the share of conversations
    that passed all checks, of all that were written. Of the items drawn for the round trip, `tried` are
    those with an exchange that the model was asked, `flagged` those where it drew otherwise.
    """
    pairs: set[tuple[Any, ...]] = set()
    count: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    turns: Counter[str] = Counter()
    regions: Counter[str] = Counter()
    structures: Counter[str] = Counter()
    patients: set[tuple[str, str]] = set()
    for item in items:
        slices = None if item["slices"] is None else (item["plane"], *item["slices"])
        count["items"] += 1
        turns[str(len(item["exchanges"]))] += 1
        regions[item["region"]] += 1
        patients.add((item["region"], item["patient"]))
        for exchange in item["exchanges"]:
            kinds[exchange["question_type"]] += 1
            for target in exchange["targets"]:
                if target["mask"] is not None:
                    mask = target["mask"]
                    pair = (item["image"], slices, mask["file"], tuple(mask["labels"]))
                    structures[target["structure"]] += pair not in pairs
                    pairs.add(pair)
    failed: Counter[str] = Counter()
    again = 0
    for line in rejected:
        again += 1
        failed.update({failure["check"] for failure in line["failures"]})
    finished = list(done)
    written = count["items"] + again
    return {
        "items": count["items"],
        "pictures": len({(image, slices) for image, slices, *_ in pairs}),
        "image_mask_pairs": len(pairs),
        "patients": len(patients),
        "exchanges": sum(kinds.values()),
        "question_types": dict(kinds.most_common()),
        "turns": dict(sorted(turns.items())),
        "regions": dict(regions.most_common()),
        "structures": dict(structures.most_common()),
        "written": written,
        "accepted": count["items"],
        "accept_rate": round(count["items"] / written, 4) if written else None,
        "rejected_by_check": dict(failed.most_common()),
        "round_trip": _round_trip(trips),
        "left_out": [line["problem"] for line in finished if line.get("problem")],
        "seconds": round(sum(line.get("seconds", 0.0) for line in finished), 1),
    }


def _round_trip(trips: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Of the items that were drawn for it: asked, flagged, and exchanges asked and not asked, with why."""
    # By id, since an item that a kill lost after its trip was asked about twice.
    drawn = {trip["id"]: trip for trip in trips}.values()
    reasons = Counter(entry["why"] for trip in drawn for entry in trip["not_tried"])
    return {
        "drawn": len(drawn),
        "tried": sum(bool(trip["tried"]) for trip in drawn),
        "flagged": sum(bool(trip["flags"]) for trip in drawn),
        "exchanges_tried": sum(len(trip["tried"]) for trip in drawn),
        "exchanges_not_tried": dict(reasons.most_common()),
    }
