"""Batches of a data set show its own slices and masks, and what cannot be trained on is refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MedSegRLib.dataset.format import read_items, write_items
from MedSegRLib.errors import DatasetError
from MedSegRLib.model import tiny_model
from MedSegRLib.training.conversations import ConversationBatches, has_masks, read_parts

sys.path.append(str(Path(__file__).parent))

from tiny_set import items_of, write_set


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("set"))


def batches(path: Path, **options: object) -> ConversationBatches:
    config = tiny_model(0).config.with_(key_slices=3)
    settings = {"slices": 6, "words": True, "seed": 1, **options}
    return ConversationBatches(read_parts(path)["train"], path.parent, config, "pyramid", **settings)


def test_a_batch_is_a_conversation_over_key_slices_and_single_slices_with_their_masks(path: Path) -> None:
    made = batches(path)
    items = {item.exchanges[0].question: item for item in read_parts(path)["train"]}
    seen = set()
    for number in range(6):
        batch = made[number]
        item = items[batch.conversations[0][0].text]
        seen.add(item.id)
        exchange = item.exchanges[0]
        assert all(
            [turn.text for turn in talk] == [exchange.question, exchange.answer]
            for talk in batch.conversations
        )
        expected = 3 if item.slices is None else min(3, item.slices[1] - item.slices[0] + 1)
        assert [len(pictures) for pictures in batch.pictures] == [expected] + [1] * 6
        assert batch.images.shape[:2] == (6, 5) and batch.masks.shape[0] == 6
        there = [target.mask for target in exchange.targets if target.present]
        assert batch.masks.shape[1] == len(there)
        # The masks are the label map's own slices, by another reader, up to the size of pixels.
        labels = sitk.GetArrayFromImage(
            sitk.DICOMOrient(sitk.ReadImage(str(path.parent / there[0].file)), "LPS")
        )
        size = batch.masks.shape[-1]
        for row in range(6):
            for k, reference in enumerate(there):
                slices = np.isin(labels, reference.labels)
                shares = {0.0, *(float(s.mean()) for s in slices)}
                share = float(batch.masks[row, k].float().mean())
                # A canvas may show more or less of the surroundings than the slice, but not another area.
                area = share * size**2
                pixels = [s * labels.shape[1] * labels.shape[2] for s in shares]
                zoom = (5.0 / pixel_mm(size)) ** 2
                assert min(abs(area / zoom - p) for p in pixels) <= 0.25 * max(pixels) + 1
    assert seen == {item.id for item in read_parts(path)["train"]}


def pixel_mm(size: int) -> float:
    """Of a canvas that holds the phantoms, whose heads are 32 pixels of 5 mm at most."""
    return 160.0 / size


def test_batches_depend_on_their_number_alone(path: Path) -> None:
    one, other = batches(path), batches(path)
    for number in (4, 0):
        a, b = one[number], other[number]
        assert a.conversations == b.conversations
        assert torch.equal(a.images, b.images) and torch.equal(a.masks, b.masks)
    assert not torch.equal(one[0].images, batches(path, seed=2)[0].images)


def test_without_words_only_slices_with_masks_come(path: Path) -> None:
    made = batches(path, words=False)[0]
    assert len(made.conversations) == len(made.images) == 6
    assert all(len(pictures) == 1 for pictures in made.pictures)


def test_most_slices_show_what_is_asked_for_and_some_do_not(path: Path) -> None:
    config = tiny_model(0).config
    items = items_of("phantom-abdomen", "train", 1)  # asked for a vertebra, which few slices show
    made = ConversationBatches(items, path.parent, config, "pyramid", slices=40, words=False, seed=1)
    shown = [bool(row.any()) for row in made[0].masks]
    assert 0.6 < sum(shown) / len(shown) < 1.0


def refused(path: Path, items: list[object]) -> str:
    broken = path.parent / "broken.jsonl"
    write_items(broken, items)
    with pytest.raises(DatasetError) as error:
        read_parts(broken)
    return str(error.value)


def test_a_patient_in_two_splits_is_refused(path: Path) -> None:
    items = list(read_items(path))
    told = refused(path, [*items, replace(items[0], id="again", split="development")])
    assert told.startswith("Patient phantom-brain is in train and, with item again, in development; keep")


def test_a_data_set_without_a_mask_to_learn_is_refused(path: Path) -> None:
    items = [replace(item, split="development") for item in items_of("phantom-abdomen", "development", 1)]
    assert "has no conversation with a mask in the split train; build or divide" in refused(path, items)


def test_a_scan_that_is_not_there_is_named(path: Path) -> None:
    items = list(read_items(path))
    told = refused(path, [replace(items[0], image="images/gone.nii.gz"), *items[1:]])
    assert "names the scan images/gone.nii.gz, which is not there" in told


def test_a_target_without_a_mask_is_not_taken_for_an_empty_one(path: Path) -> None:
    item = next(iter(read_items(path)))
    exchange = item.exchanges[0]
    bare = tuple(replace(target, mask=None) for target in exchange.targets)
    assert has_masks(item)
    assert not has_masks(replace(item, exchanges=(replace(exchange, targets=bare),)))
