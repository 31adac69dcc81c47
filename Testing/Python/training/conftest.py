"""A phantom head that holds all 29 parts, and the small things that stages are made of."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.building.held_out import held_out_questions
from MedSegRLib.dataset.stock import load_stock
from MedSegRLib.training.coverage import Coverage
from MedSegRLib.training.language_stage import full_scene
from MedSegRLib.training.synthesis import HeadMap
from MedSegRLib.training.targets import PartTargets
from MedSegRLib.training.tokenizer import train_tokenizer

# For the helpers beside the tests.
sys.path.append(str(Path(__file__).parent))

RIGHT_IDS = (41, 42, 43, 49, 50, 51, 52, 53, 54, 58, 60, 47, 46)
LEFT_IDS = (2, 3, 4, 10, 11, 12, 13, 17, 18, 26, 28, 8, 7)
SKIN = 512


def phantom_labels() -> np.ndarray:
    """A head [60, 90, 80]: skin, fluid, cortex, white matter; the rest blocks, left on high columns."""
    z, r, c = np.indices((60, 90, 80)) - np.array([29.5, 44.5, 39.5])[:, None, None, None]
    distance = np.sqrt((z / 26) ** 2 + (r / 40) ** 2 + (c / 36) ** 2)
    labels = np.zeros(distance.shape, np.int16)
    labels[distance < 1.0] = SKIN
    labels[distance < 0.88] = 24
    for side, ids in ((c > 0, LEFT_IDS), (c < 0, RIGHT_IDS)):
        labels[side & (distance < 0.82)] = ids[1]
        labels[side & (distance < 0.68)] = ids[0]
    for number in range(11):
        row, level = 24 + 10 * (number % 4), (20, 29, 38)[number // 4]
        labels[level : level + 7, row : row + 8, 42:54] = LEFT_IDS[2 + number]
        labels[level : level + 7, row : row + 8, 26:38] = RIGHT_IDS[2 + number]
    for number, label in enumerate((16, 14, 15)):
        labels[20:45, 30 + 10 * number : 36 + 10 * number, 38:42] = label
    return labels


@pytest.fixture(scope="session")
def head() -> HeadMap:
    return HeadMap.of(phantom_labels())


@pytest.fixture(scope="session")
def annotator() -> OfflineAnnotator:
    return OfflineAnnotator(load_table(), load_stock(), held_out_questions())


@pytest.fixture(scope="session")
def offered() -> tuple[str, ...]:
    return tuple(structure.id for structure in load_table() if structure.freesurfer)


@pytest.fixture(scope="session")
def targets(offered: tuple[str, ...]) -> PartTargets:
    return PartTargets.of(load_table(), offered)


@pytest.fixture(scope="session")
def head_coverage(targets: PartTargets) -> Coverage:
    return Coverage.of_heads(targets, load_table())


@pytest.fixture(scope="session")
def tokenizer(annotator: OfflineAnnotator, offered: tuple[str, ...]) -> Tokenizer:
    rng, scene = random.Random(1), full_scene(annotator, offered)
    lines: list[str] = []
    for _ in range(250):
        for exchange in annotator.converse(scene, 1, rng):
            lines += [f" {exchange.question.lower()}", exchange.answer]
    return train_tokenizer(lines, 500)
