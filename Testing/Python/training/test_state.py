"""A run that was stopped and resumed ends bit by bit where one that never stopped ends."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.model.grounding import Grounding, GroundingConfig
from MedSegRLib.training.coverage import Coverage
from MedSegRLib.training.grounding_stage import GroundingBatch, GroundingBatches, GroundingStage, prompt_codes
from MedSegRLib.training.language_stage import LanguageStage, TextBatches
from MedSegRLib.training.loop import LoopConfig, Stage, run_stage
from MedSegRLib.training.real_slices import RealSlices
from MedSegRLib.training.state import load_state, save_state
from MedSegRLib.training.synthesis import HeadMap, SynthesisConfig
from MedSegRLib.training.targets import PartTargets

LOOP = LoopConfig(steps=4, learning_rate=1e-2, warmup=2, save_every=1, workers=0)
Maker = Callable[[], Stage]


class SeededStage(GroundingStage):
    """The stage with the noise on its prompts drawn from the batch, since states keep no generator."""

    def losses(self, batch: GroundingBatch) -> Mapping[str, Tensor]:
        torch.manual_seed(int(batch.structure.sum()))
        return super().losses(batch)


def grounding_stage(
    head: HeadMap, targets: PartTargets, kind: type[GroundingStage], width: int = 8
) -> GroundingStage:
    config = GroundingConfig(
        encoder="pyramid", image_size=(64, 48), embed_dim=16, decoder_depth=1, decoder_heads=2,
        decoder_mlp_dim=32, multimask_outputs=0, quality_hidden_dim=16, in_channels=5,
        widths=(width, 8, 16), detail_dim=4, semantic_classes=len(targets.structures),
    )  # fmt: skip
    torch.manual_seed(7)
    batches = GroundingBatches(
        [head], RealSlices([]), targets, SynthesisConfig(), [((64, 48), 1.0)],
        head_coverage=Coverage.of_heads(targets, load_table()), seed=5, prompt_dim=16, slices=3, prompted=2,
    )  # fmt: skip
    return kind(Grounding(config), batches, codes=prompt_codes(targets, 16, 5))


def language_stage(tokenizer: Tokenizer, batches: TextBatches) -> LanguageStage:
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, intermediate_size=32,
        num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    return LanguageStage(model.get_decoder(), model.get_output_embeddings(), batches)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """More threads add up in another order, and the loop changes their number by the clock."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=["grounding", "language"])
def make(
    request: pytest.FixtureRequest,
    head: HeadMap,
    targets: PartTargets,
    tokenizer: Tokenizer,
    annotator: OfflineAnnotator,
    offered: tuple[str, ...],
) -> Maker:
    if request.param == "grounding":
        return lambda: grounding_stage(head, targets, SeededStage)
    batches = TextBatches(annotator, tokenizer, offered, seed=3, tokens=300, pool=6, cut=0.0, bag=True)
    return lambda: language_stage(tokenizer, batches)


def test_a_resumed_run_ends_where_an_unbroken_one_ends(make: Maker, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    first = make()
    averaged = run_stage(first, LOOP, whole)

    # The learning rate must not know of the stop: a run of four steps ends after two of them.
    class Stopped(Exception):
        pass

    stopped = make()
    compute, steps = stopped.losses, []

    def two_steps(batch: object) -> Mapping[str, Tensor]:
        if len(steps) == 2:
            raise Stopped
        steps.append(batch)
        return compute(batch)

    stopped.losses = two_steps  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        run_stage(stopped, LOOP, broken)
    name = f"{first.name}.safetensors"
    torch.manual_seed(99)  # whatever has happened in between
    again = run_stage(make(), LOOP, broken)
    expected, found = load_file(whole / name), load_file(broken / name)
    assert expected.keys() == found.keys()
    assert {key.split("/")[0] for key in expected} == {"module", "optimizer"}
    assert [key for key in expected if not torch.equal(expected[key], found[key])] == []
    for key, value in averaged.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key


def test_weights_and_averages_move_apart(make: Maker, tmp_path: Path) -> None:
    """So that the comparison above compares something."""
    stage = make()
    before = {k: v.clone() for k, v in stage.modules.state_dict().items()}
    averaged = run_stage(stage, replace(LOOP, steps=2), tmp_path).state_dict()
    live = stage.modules.state_dict()
    moved = [k for k in live if live[k].is_floating_point() and not torch.equal(live[k], before[k])]
    assert len(moved) > 5
    assert any(not torch.equal(live[k], averaged[k]) for k in moved)


def test_a_finished_stage_is_only_read(make: Maker, tmp_path: Path) -> None:
    stage = make()
    averaged = run_stage(stage, replace(LOOP, steps=1), tmp_path).state_dict()
    lines = (tmp_path / f"{stage.name}.jsonl").read_text()
    again = run_stage(make(), replace(LOOP, steps=1), tmp_path).state_dict()
    assert all(torch.equal(averaged[key], again[key]) for key in averaged)
    assert (tmp_path / f"{stage.name}.jsonl").read_text() == lines


def test_a_state_of_other_shapes_is_refused(head: HeadMap, targets: PartTargets, tmp_path: Path) -> None:
    run_stage(grounding_stage(head, targets, GroundingStage), replace(LOOP, steps=1), tmp_path)
    with pytest.raises(RuntimeError, match="size mismatch"):
        run_stage(grounding_stage(head, targets, GroundingStage, width=16), LOOP, tmp_path)


def test_a_state_without_a_weight_is_refused(tmp_path: Path) -> None:
    small, large = torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 2)
    save_state(tmp_path / "s", {"live": small}, torch.optim.AdamW(small.parameters()), 1)
    with pytest.raises(RuntimeError, match="bias"):
        load_state(tmp_path / "s", {"live": large}, None)


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a pickle was opened")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    save_state(tmp_path / "s", {"live": layer}, optimizer, 17)
    assert load_state(tmp_path / "s", {"live": torch.nn.Linear(2, 2)}, optimizer) == 17
    (tmp_path / "pickled").write_bytes(pickle.dumps({"step": 1}))
    with pytest.raises(Exception, match=r"(?i)header|invalid"):
        load_state(tmp_path / "pickled", {"live": layer}, None)


def test_a_resumed_grounding_run_meets_the_same_noise(
    head: HeadMap, targets: PartTargets, tmp_path: Path
) -> None:
    loop = replace(LOOP, warmup=100)  # as long as it warms up, the rate does not know how long a run is
    for folder, lengths in (("whole", (3,)), ("broken", (1, 3))):
        for steps in lengths:
            stage = grounding_stage(head, targets, GroundingStage)
            run_stage(stage, replace(loop, steps=steps), tmp_path / folder)
    whole, broken = (load_file(tmp_path / f / "grounding.safetensors") for f in ("whole", "broken"))
    assert all(torch.equal(whole[key], broken[key]) for key in whole)
