"""A fine-tuning from end to end: it learns, resumes to the same weights, and ends as a plain model folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from MedSegRLib.answers import Answer
from MedSegRLib.dataset.format import read_items, write_items
from MedSegRLib.errors import CheckpointError, DatasetError, UserInputError
from MedSegRLib.imaging import read_volume
from MedSegRLib.model import Grounding, GroundingConfig, MedSegR, load_checkpoint, open_model
from MedSegRLib.reasoning import Session
from MedSegRLib.training.events import Scored, StepDone
from MedSegRLib.training.fine_tune import fine_tune
from MedSegRLib.training.starting import starting_model

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1])]

from tiny_models import FAMILIES  # noqa: E402
from tiny_set import write_recipe, write_set  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fine")
    write_set(folder / "set")
    write_recipe(folder)
    return folder


@pytest.fixture(scope="module")
def exact() -> Iterator[None]:
    """In fp32 whatever the processor has units for, so that equal means equal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("MedSegRLib.training.fine_tune.fast_precision", lambda _: torch.float32)
        yield


def tune(place: Path, work: str, **options: Any) -> None:
    scores = iter([0.2, 0.1, 0.1, 0.1])
    settings = {"data": place / "set" / "items.jsonl", "judge": lambda _: next(scores), **options}
    fine_tune(place / "tiny.toml", place / work, **settings)


@dataclass
class Trained:
    """A finished run: its folder, and what the adapted model answered at its end."""

    folder: Path
    answer: Answer | None = None


def asked(place: Path, model: MedSegR) -> Answer:
    item = next(iter(read_items(place / "set" / "items.jsonl")))
    volume = read_volume(place / "set" / item.image)
    return Session(volume, model).ground(item.exchanges[0].question, item.exchanges[0].answer)


@pytest.fixture(scope="module")
def trained(place: Path, exact: None) -> Trained:
    result, scores = Trained(place / "whole"), iter([0.2, 0.1, 0.3])

    def judge(model: MedSegR) -> float:
        result.answer = asked(place, model)
        return next(scores)

    tune(place, "whole", judge=judge)
    return result


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        **load_file(folder / "medsegr.safetensors"),
        **load_file(folder / "understanding" / "model.safetensors"),
    }


def test_the_words_are_learnt_and_the_best_weights_kept(place: Path, trained: Trained) -> None:
    rows = [json.loads(line) for line in (place / "whole" / "joint.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 10 and rows[-1]["text"] < rows[0]["text"] - 0.15
    assert rows[-1]["mask_ce"] < 0.5 * rows[0]["mask_ce"]
    assert all({"text", "mask_ce", "mask_dice", "presence", "quality"} <= set(row) for row in rows)
    scores = [json.loads(line) for line in (place / "whole" / "joint.scores.jsonl").read_text().splitlines()]
    assert scores == [{"step": 5, "score": 0.2}, {"step": 10, "score": 0.1}]
    masks = json.loads((place / "whole" / "masks.jsonl").read_text().splitlines()[0])
    assert "text" not in masks


def test_what_rests_is_the_same_in_the_checkpoint(place: Path, trained: Trained) -> None:
    before, after = weights(place / "start"), weights(place / "whole" / "checkpoint")
    assert before.keys() == after.keys()
    same = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert all(name in same for name in before if "vision_tower" in name or "multi_modal_projector" in name)
    assert all(name in same for name in before if "image_encoder" in name or "prompt_encoder" in name)
    assert {name for name in before if "_proj.weight" in name and "language_model" in name}.isdisjoint(same)
    assert {name for name in before if name.startswith(("seg_projector", "similarity_"))}.isdisjoint(same)
    matrix = next(name for name in before if name.endswith("embed_tokens.weight"))
    changed = (before[matrix] != after[matrix]).any(1).nonzero()[:, 0].tolist()
    tokenizer = load_checkpoint(trained.folder / "checkpoint").understanding.processor.tokenizer
    assert changed == sorted(tokenizer.convert_tokens_to_ids(["[SEG]", "[REJ]", "<p>", "</p>"]))


def test_the_checkpoint_is_plain_and_answers_as_what_was_trained(place: Path, trained: Trained) -> None:
    folder = place / "whole" / "checkpoint"
    again = load_checkpoint(folder, "fp32")  # strictly
    answer = asked(place, again)
    assert trained.answer is not None and answer.text == trained.answer.text
    masks = [[finding.mask for finding in one.findings] for one in (trained.answer, answer)]
    assert [len(one) for one in masks] == [len(answer.findings)] * 2
    for one, other in zip(*masks, strict=True):
        assert int((one ^ other).sum()) <= 2  # merged weights round otherwise than adapters beside them
    config = again.config
    assert config.name == "tuned" and "brain" in config.regions and config.canvas_sizes == (32, 64)
    assert set(config.offered) > {"hippocampus", "amygdala"}
    record = json.loads((folder / "training.json").read_text())
    assert record["seed"] == 5 and list(record["data_sha256"]) == ["items.jsonl"]
    assert len(record["first_losses"]["joint"]) == 3
    names = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert names <= {".json", ".safetensors", ".jinja"}


@pytest.mark.parametrize("stop", [4, 7])
def test_a_run_broken_off_ends_at_the_same_weights(place: Path, trained: Trained, stop: int) -> None:
    def watch(event: StepDone | Scored) -> None:
        if isinstance(event, StepDone) and event.step == stop:
            raise KeyboardInterrupt

    scores = {5: 0.2, 10: 0.1}
    done = [0]

    def judge(model: MedSegR) -> float:
        return scores[5 if done[0] < 10 else 10]

    def count(event: StepDone | Scored) -> None:
        if isinstance(event, StepDone) and event.stage == "joint":
            done[0] = event.step

    with pytest.raises(KeyboardInterrupt):
        tune(place, f"broken{stop}", judge=judge, watch=lambda event: (count(event), watch(event)))
    tune(place, f"broken{stop}", judge=judge, watch=count)
    one, two = (weights(place / work / "checkpoint") for work in ("whole", f"broken{stop}"))
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


def test_a_changed_recipe_is_refused_by_its_key(place: Path, trained: Trained, tmp_path: Path) -> None:
    changed = tmp_path / "changed.toml"
    changed.write_text((place / "tiny.toml").read_text().replace("rank = 2", "rank = 3"))
    with pytest.raises(UserInputError, match=r"begun with lora\.rank = 2, and now it is 3"):
        fine_tune(changed, place / "whole", data=place / "set" / "items.jsonl")


def test_scores_without_a_development_part_are_refused_before_any_work(place: Path, tmp_path: Path) -> None:
    path = place / "set" / "train_only.jsonl"
    write_items(path, [item for item in read_items(place / "set" / "items.jsonl") if item.split == "train"])
    with pytest.raises(UserInputError, match=r"no item in the split development, which evaluate_every"):
        fine_tune(place / "tiny.toml", tmp_path / "work", data=path)
    assert not (tmp_path / "work").exists()


def test_slices_of_another_plane_are_refused(place: Path, tmp_path: Path) -> None:
    path = place / "set" / "sagittal.jsonl"
    items = list(read_items(place / "set" / "items.jsonl"))
    plane = type(items[0].plane)("sagittal")
    write_items(path, [replace(i, plane=plane) if i.slices else i for i in items])
    with pytest.raises(UserInputError, match=r"is about sagittal slices, but the model reads axial ones"):
        fine_tune(place / "tiny.toml", tmp_path / "work", data=path)


# -- what a fine-tuning starts from


@pytest.mark.parametrize(
    "start",
    [{}, {"model": "a", "language": "b"}, {"language": "b"}, {"grounding": "c"}, {"modle": "a"}],
    ids=lambda start: "+".join(start) or "nothing",
)
def test_a_start_that_is_none_is_refused_with_what_to_write(start: dict[str, str]) -> None:
    with pytest.raises(
        UserInputError, match=r"\[start\] of the recipe names .*write model = a MedSeg-R folder"
    ):
        starting_model(start, {}, [], torch.float32)


def test_a_setting_that_the_model_lacks_is_named(place: Path) -> None:
    with pytest.raises(
        UserInputError, match=r"\[model\] of the recipe does not fit .*unknown settings colour"
    ):
        starting_model({"model": str(place / "start")}, {"colour": 1}, [], torch.float32)


VIT = {
    "encoder": "vit", "image_size": [32, 32], "embed_dim": 16, "decoder_heads": 2, "vit_dim": 24,
    "vit_depth": 1, "vit_heads": 2,
}  # fmt: skip
SETTINGS = {
    "name": "published", "canvas_sizes": [32], "slice_offsets_mm": [-3.0, 0.0, 3.0],
    "picture_channels": [0, 1, 2], "picture_size": 32, "key_slices": 2, "similarity_dim": 8,
    "grounding": VIT,
}  # fmt: skip


@pytest.fixture(scope="module")
def published(place: Path) -> Callable[[str], dict[str, str]]:
    """Folders as they are published: a language model without our tokens, and SAM's weights."""

    def write(family: str) -> dict[str, str]:
        folder = place / family
        if not folder.exists():
            torch.manual_seed(1)
            model, processor = FAMILIES[family]()
            model.save_pretrained(folder)
            processor.save_pretrained(folder)
        state = Grounding(GroundingConfig.from_dict(VIT)).state_dict()
        sam = {k: v.contiguous() for k, v in state.items() if "presence_head" not in k}
        save_file(sam, place / "sam.safetensors")
        return {"language": str(folder), "grounding": str(place / "sam.safetensors")}

    return write


@pytest.mark.parametrize("family", ["llava", "qwen3_vl"])
def test_published_parts_become_a_model_folder(
    place: Path, published: Callable[[str], dict[str, str]], family: str
) -> None:
    start = published(family)
    lines = [f'{key} = "{Path(value).as_posix()}"' for key, value in start.items()]
    table = [f"{key} = {json.dumps(value)}" for key, value in SETTINGS.items() if key != "grounding"]
    inner = [f"{key} = {json.dumps(value)}" for key, value in VIT.items()]
    stage = "steps = 2\nlearning_rate = 1e-3\nwarmup = 1\nworkers = 0\n"
    recipe = place / f"{family}.toml"
    recipe.write_text(
        "\n".join(["seed = 1", "[start]", *lines, "[model]", *table, "[model.grounding]", *inner])
        + f"\n[lora]\nrank = 2\nalpha = 4\n[batch]\nslices = 2\n[stage.joint]\n{stage}[stage.masks]\n{stage}"
    )
    fine_tune(recipe, place / f"from_{family}", data=place / "set" / "items.jsonl")
    again = open_model(place / f"from_{family}" / "checkpoint", "fp32")
    assert type(again.understanding.model).__name__ == type(FAMILIES[family]()[0]).__name__
    before, after = (
        load_file(folder / "model.safetensors")
        for folder in (place / family, place / f"from_{family}" / "checkpoint" / "understanding")
    )
    vision = [name for name in before if "vision" in name or "visual" in name]
    assert vision and all(torch.equal(before[name], after[name]) for name in vision)
    # SAM's image encoder rests.
    sam = load_file(place / "sam.safetensors")
    state = again.grounding.state_dict()
    assert all(torch.equal(sam[name], state[name]) for name in sam if name.startswith("image_encoder"))


def test_new_words_begin_near_the_mean_of_the_old_and_apart(
    published: Callable[[str], dict[str, str]],
) -> None:
    torch.manual_seed(0)
    model = starting_model(published("llava"), SETTINGS, [], torch.float32)
    matrix = model.understanding.model.get_input_embeddings().weight.detach()
    rows = matrix[model.understanding.processor.tokenizer.convert_tokens_to_ids(["[SEG]", "[REJ]", "<p>"])]
    assert float((rows - matrix[:250].mean(0)).std()) < 0.3 * float(matrix[:250].std())
    assert not torch.equal(rows[0], rows[1])


def test_weights_of_another_sam_are_refused(published: Callable[[str], dict[str, str]]) -> None:
    other = {**SETTINGS, "grounding": {**VIT, "embed_dim": 32}}
    with pytest.raises(
        CheckpointError, match=r"sam\.safetensors is not of the sizes of \[model\.grounding\]"
    ):
        starting_model(published("llava"), other, [], torch.float32)


def test_slices_that_the_encoder_cannot_take_are_refused(published: Callable[[str], dict[str, str]]) -> None:
    with pytest.raises(UserInputError, match=r"\[model\] .* does not fit .*canvas_sizes"):
        starting_model(published("llava"), {**SETTINGS, "canvas_sizes": [64]}, [], torch.float32)


def test_a_data_set_that_is_not_there_is_told(place: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read as a data set"):
        fine_tune(place / "tiny.toml", place / "nowhere", data=place / "none.jsonl")
