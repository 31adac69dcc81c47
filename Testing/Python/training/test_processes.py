"""Two real processes and one that does the work of both end at the same weights."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from MedSegRLib.errors import UserInputError
from MedSegRLib.model import tiny_model
from MedSegRLib.training.adapters import Adapters
from MedSegRLib.training.loop import run_stage
from MedSegRLib.training.processes import Processes

sys.path.append(str(Path(__file__).parent))

from tiny_stage import LOOP, TinyStage

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def two_processes(folder: Path) -> list[str]:
    """What both say that run the tiny stage together, started as torchrun starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_PORT": str(port)}
    program = [sys.executable, str(Path(__file__).parent / "tiny_stage.py"), str(folder)]
    started = [
        subprocess.Popen(
            program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **shared, "RANK": str(n), "LOCAL_RANK": str(n), "MASTER_ADDR": "127.0.0.1",
                 "OMP_NUM_THREADS": "1",                 "PYTHONPATH": str(ROOT)},
        )
        for n in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=900) for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    return [out for out, _ in said]


def losses(folder: Path) -> list[dict[str, float]]:
    kept = ("step", "square", "size")
    rows = [json.loads(line) for line in (folder / "tiny.jsonl").read_text().splitlines()]
    return [{key: row[key] for key in kept} for row in rows]


def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    said = two_processes(tmp_path / "two")
    stage = TinyStage()
    run_stage(stage, LOOP, tmp_path / "one", precision=torch.float32, score=stage.score)
    assert losses(tmp_path / "two") == losses(tmp_path / "one")
    assert len(losses(tmp_path / "one")) == 5
    one, two = (load_file(tmp_path / name / "tiny.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    # What batches count on their way is averaged over processes, and taken one after the other in one.
    learnt = [key for key in one if "running" not in key and "batches_tracked" not in key]
    assert len(learnt) > 20
    for key in learnt:
        torch.testing.assert_close(two[key], one[key], rtol=1e-5, atol=1e-7, msg=key)
    # Only the main process told and wrote: six steps and three scores, once.
    assert sorted(out.count("watched") for out in said) == [0, 9]
    assert len((tmp_path / "two" / "tiny.scores.jsonl").read_text().splitlines()) == 3
    assert all(
        "refused A step of the stage tiny has accumulate = 1, which 2 processes cannot share evenly; "
        "make it a multiple of 2." in out
        for out in said
    )


def test_a_layer_without_a_gradient_anywhere_stays_as_it_is(tmp_path: Path) -> None:
    stage = TinyStage()
    before = stage.modules["three"].weight.clone()
    run_stage(stage, LOOP, tmp_path, precision=torch.float32)
    assert torch.equal(stage.modules["three"].weight, before)


def test_a_launcher_that_starts_one_for_several_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(UserInputError, match=r"starts one process on processors, .*torchrun"):
        Processes(cpu=True)


@pytest.mark.parametrize(("package", "feature"), [("accelerate", "Training"), ("peft", "Fine-tuning")])
def test_a_missing_package_is_named_with_the_way_to_get_it(
    package: str, feature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserInputError, match=rf"{feature} needs .*pip install 'medsegr\[train\]'"):
        Processes(cpu=True) if package == "accelerate" else Adapters(tiny_model(0), rank=1, alpha=1)
