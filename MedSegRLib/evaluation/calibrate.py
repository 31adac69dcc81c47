"""Calibrate: thresholds and the honesty of confidence, from development scans that nothing else is judged on.

Every part that a model offers is looked for on every second slice once; what each pair of thresholds would
give is then counted from per-slice overlaps, without looking again.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.imaging import Modality, Volume, gather_canonical, read_volume
from MedSegRLib.model import MedSegR, MedSegRConfig
from MedSegRLib.reasoning.assemble import hysteresis
from MedSegRLib.reasoning.ground import Grounder
from MedSegRLib.reasoning.laying_out import lay_out
from MedSegRLib.reasoning.memory import Memory
from MedSegRLib.reasoning.talk import conversation

from .asking import Part
from .drawn import developed_on, drawn_parts, fewer_slices
from .structures16 import load_protocol
from .synthetic_volume import synthetic_volume

__all__ = ["RIGHT_FROM_DICE", "calibrate", "development_scans", "fit_line", "write_calibration"]

# A scan and the true mask [K, J, I] of each part (structure id, side).
Case = tuple[Volume, Mapping[Part, npt.NDArray[np.bool_]]]

RIGHT_FROM_DICE = 0.7
_EVERY = 2  # slices are alike enough for thresholds
_LOW, _HIGH = (0.1, 0.2, 0.3, 0.4), (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_LOGITS = (-0.4, 0.0, 0.4, 0.8, 1.2)


@dataclass(frozen=True)
class _Seen:
    """One part on every slice: presence and quality [N], and per mask threshold [T, N] pixel counts."""

    presence: npt.NDArray[np.float64]
    quality: npt.NDArray[np.float64]
    overlap: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]
    truth_area: float

    def dice(self, threshold: int, kept: Sequence[int]) -> float:
        index = list(kept)
        total = self.area[threshold][index].sum() + self.truth_area
        return float(2 * self.overlap[threshold][index].sum() / total) if total else 1.0

    def score(self, threshold: int, kept: Sequence[int]) -> float:
        index = list(kept)
        weights = self.area[threshold][index]
        if weights.sum() == 0:
            return 0.0
        return float(np.average((self.quality * self.presence)[index], weights=weights))


def calibrate(model: MedSegR, cases: Iterable[Case]) -> dict[str, Any]:
    """Find the values of `calibration.json`.

    Parameters
    ----------
    model
        The model.
    cases
        Development scans with the true mask of each part that is drawn on them; what is drawn without
        telling its side is left out.
    """
    looked = [list(_look(model, volume, truth)) for volume, truth in cases]
    seen = [one for case in looked for one in case]
    best = max(
        itertools.product(range(len(_LOGITS)), _LOW, _HIGH),
        key=lambda choice: np.mean([one.dice(choice[0], _kept(one, *choice[1:])) for one in seen]),
    )
    threshold, low, high = best
    kept = [_kept(one, low, high) for one in seen]
    scores = [one.score(threshold, k) for one, k in zip(seen, kept, strict=True)]
    dice = [one.dice(threshold, k) for one, k in zip(seen, kept, strict=True)]
    slope, intercept = fit_line(scores, [d >= RIGHT_FROM_DICE for d in dice])
    return {
        "presence_low": low,
        "presence_high": high,
        "mask_threshold_logit": _LOGITS[threshold],
        "confidence": {
            "slope": round(slope, 4),
            "intercept": round(intercept, 4),
            "right_from_dice": RIGHT_FROM_DICE,
        },
        "development": {
            "scans": len(looked),
            "parts": len(seen),
            "mean_dice": round(float(np.mean(dice)), 4),
        },
    }


def development_scans(
    data: Path, label_maps: Sequence[Path], config: MedSegRConfig, *, contrasts: int = 2, seed: int = 500
) -> Iterator[Case]:
    """Scans to calibrate on: label maps made into volumes of random contrast, the skull on, and real scans.

    Parameters
    ----------
    data
        A folder of scans with an index.json; of it those patients that nothing is trained on.
    label_maps
        Label maps of brains that nothing is trained on.
    config
        What the model knows.

    Raises
    ------
    DatasetError
        If the index or a label map is not as it must be.
    """
    protocol, table = load_protocol("freesurfer"), load_table()
    for number, path in enumerate(label_maps):
        drawn = read_volume(path, modality=Modality.MR)
        labels = drawn.voxels.astype(np.int32)
        truth = {part: protocol.mask(labels, part) for part in protocol.parts}
        for contrast in range(contrasts):
            yield synthetic_volume(labels, drawn.ijk_to_ras, seed + number * contrasts + contrast), truth
    if set(config.regions) - {"brain"}:
        for source in fewer_slices(developed_on(data, config.regions)):
            assert source.image is not None
            volume = read_volume(source.image, modality=Modality(source.modality))
            yield volume, drawn_parts(source, config.offered, table)


def write_calibration(folder: Path, values: Mapping[str, Any]) -> None:
    """Put the values into a checkpoint folder."""
    (folder / "calibration.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def fit_line(scores: Sequence[float], right: Sequence[bool], prior: float = 0.1) -> tuple[float, float]:
    """Logistic regression of being right on the logit of a score, drawn a little towards (1, 0).

    Returns
    -------
    Slope and intercept.
    """
    clipped = np.clip(np.asarray(scores, float), 1e-4, 1 - 1e-4)
    design = np.stack([np.log(clipped / (1 - clipped)), np.ones(len(clipped))], axis=1)
    truth, line, start = np.asarray(right, float), np.array([1.0, 0.0]), np.array([1.0, 0.0])
    for _ in range(50):
        probability = 1 / (1 + np.exp(-design @ line))
        gradient = design.T @ (probability - truth) + prior * (line - start)
        hessian = (design * (probability * (1 - probability))[:, None]).T @ design + prior * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        line = line - step
        if math.hypot(*step) < 1e-8:
            break
    return float(line[0]), float(line[1])


def _kept(one: _Seen, low: float, high: float) -> tuple[int, ...]:
    return hysteresis(dict(enumerate(one.presence.tolist())), min(low, high), high)


def _look(model: MedSegR, volume: Volume, truth: Mapping[Part, npt.NDArray[np.bool_]]) -> Iterator[_Seen]:
    config, table = model.config, load_table()
    laid_out = lay_out(volume, config)
    stack, canvas = laid_out.stack, laid_out.canvas
    grounder = Grounder(model, canvas, Memory())
    slices = canvas.filled()[::_EVERY]
    for name in config.offered:
        structure = table.structures[name]
        sides = (Side.LEFT, Side.RIGHT) if structure.sided else (Side.NONE,)
        parts = [s for s in sides if (name, s) in truth]
        if not parts:
            continue
        words = " and ".join(f"<p>{structure.side_name(s)}</p>[SEG]" for s in parts)
        spoken = conversation((), f"Outline the {structure.plural}.", f"Here are {words}.")
        masks = [gather_canonical(truth[(name, s)], stack.order) for s in parts]
        counts = np.zeros((len(parts), 2, len(_LOGITS), len(slices)))
        scores = np.zeros((len(parts), 2, len(slices)))
        done = 0
        for batch in grounder.batches(slices, len(parts)):
            found = grounder.ground(batch, spoken)
            at = slice(done, done + len(batch))
            done += len(batch)
            for k in range(len(parts)):
                logits = grounder.restore(torch.stack([looks[k].logits for looks in found])).cpu().numpy()
                scores[k, 0, at] = [looks[k].presence for looks in found]
                scores[k, 1, at] = [looks[k].quality for looks in found]
                for t, threshold in enumerate(_LOGITS):
                    mask = logits > threshold
                    counts[k, 0, t, at] = (mask & masks[k][batch]).sum((1, 2))
                    counts[k, 1, t, at] = mask.sum((1, 2))
        for k in range(len(parts)):
            yield _Seen(scores[k, 0], scores[k, 1], counts[k, 0], counts[k, 1], float(masks[k][slices].sum()))
