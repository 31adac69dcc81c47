"""Checkpoint folders are read strictly and without pickle; SAM's files become safetensors."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from MedSegRLib.errors import CheckpointError, OutputError
from MedSegRLib.model import (
    Grounding,
    GroundingConfig,
    MedSegR,
    Turn,
    convert_sam,
    load_checkpoint,
    open_model,
    read_calibration,
    read_sam,
    save_checkpoint,
)

Picture = Callable[[int], np.ndarray]
FOUND = (Turn("user", "Where?"), Turn("assistant", "<p>a</p>[SEG]"))
VIT = GroundingConfig(
    encoder="vit", image_size=(32, 32), embed_dim=16, decoder_heads=2, vit_dim=24, vit_depth=1, vit_heads=2
)


def _masks(model: MedSegR, picture: Picture) -> torch.Tensor:
    with torch.no_grad():
        read = model.understanding.read_pictures([picture(0)])
        seg = model.understanding.answer_states(read, FOUND)
        images = torch.linspace(0, 1, 5 * 64 * 64).reshape(1, 5, 64, 64)
        return model.decode(model.encode(images), seg, read.image_states).mask_logits


def test_a_saved_model_gives_the_same_masks(tiny: MedSegR, picture: Picture, tmp_path: Path) -> None:
    save_checkpoint(tiny, tmp_path / "new" / "folder", readme="# card\n")
    again = open_model(tmp_path / "new" / "folder", precision="fp32")
    assert again.config == tiny.config
    assert again.grounding.config == tiny.grounding.config
    assert not again.training
    assert torch.equal(_masks(again, picture), _masks(tiny, picture))
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert "new/folder/README.md" in names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))]


def test_half_precision_halves_the_files_and_hardly_moves_the_masks(
    tiny: MedSegR, picture: Picture, tmp_path: Path
) -> None:
    save_checkpoint(tiny, tmp_path / "full")
    save_checkpoint(tiny, tmp_path / "half", dtype=torch.float16)
    stored = load_file(tmp_path / "half" / "medsegr.safetensors")
    assert stored["seg_projector.0.weight"].dtype == torch.float16
    assert stored["grounding.image_encoder.down.0.1.running_var"].dtype == torch.float32
    words = load_file(tmp_path / "half" / "understanding" / "model.safetensors")
    assert {value.dtype for value in words.values()} == {torch.float16}
    again = load_checkpoint(tmp_path / "half", precision="fp32")
    assert again.dtype == again.understanding.dtype == torch.float32
    torch.testing.assert_close(_masks(again, picture), _masks(tiny, picture), atol=0.02, rtol=0.02)


def test_wrong_weights_are_named(tiny: MedSegR, tmp_path: Path) -> None:
    save_checkpoint(tiny, tmp_path)
    path = tmp_path / "medsegr.safetensors"
    state = load_file(path)
    name = "grounding.mask_decoder.iou_token.weight"
    save_file({k: v for k, v in state.items() if k != name}, path)
    with pytest.raises(CheckpointError, match=rf"missing: {name}\.") as refused:
        load_checkpoint(tmp_path)
    assert refused.value.exit_code == 2
    save_file({**state, "stranger": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"unexpected: stranger\."):
        load_checkpoint(tmp_path)
    save_file({**state, name: torch.zeros(2, 16)}, path)
    with pytest.raises(CheckpointError, match=rf"another shape: {name}\."):
        load_checkpoint(tmp_path)
    save_file(state, path)
    for cut in (path, tmp_path / "understanding" / "model.safetensors"):
        whole = cut.read_bytes()
        cut.write_bytes(whole[:200])
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_checkpoint(tmp_path)
        cut.write_bytes(whole)


def test_wrong_settings_are_named(tiny: MedSegR, tmp_path: Path) -> None:
    save_checkpoint(tiny, tmp_path)
    path = tmp_path / "config.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "medsegr": {**settings["medsegr"], "colour": 1}}))
    with pytest.raises(CheckpointError, match="colour"):
        load_checkpoint(tmp_path)
    path.write_text(json.dumps({**settings, "medsegr": {**settings["medsegr"], "plane": "slanted"}}))
    with pytest.raises(CheckpointError, match="slanted"):
        load_checkpoint(tmp_path)
    path.write_text(json.dumps({"medsegr": settings["medsegr"]}))
    with pytest.raises(CheckpointError, match="grounding"):
        load_checkpoint(tmp_path)
    path.write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        load_checkpoint(tmp_path)


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(CheckpointError, match="no model maxi; give one of mini"):
        open_model("maxi")


def test_calibration_is_optional(tmp_path: Path) -> None:
    assert read_calibration(tmp_path) == {}
    (tmp_path / "calibration.json").write_text('{"presence": 0.5}')
    assert read_calibration(tmp_path) == {"presence": 0.5}


def _sam_file(path: Path, prefix: str = "") -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    state = {k: v for k, v in Grounding(VIT).state_dict().items() if "presence_head" not in k}
    torch.save({prefix + key: value for key, value in state.items()}, path)
    return state


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_sam_file_is_converted_and_loads(tmp_path: Path, prefix: str) -> None:
    state = _sam_file(tmp_path / "sam.pth", prefix)
    out = convert_sam(tmp_path / "sam.pth", tmp_path / "sam.safetensors")
    grounding = Grounding(VIT)
    grounding.load_segment_anything(read_sam(out))
    loaded = grounding.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())
    converted = read_sam(out)
    converted["stranger"] = converted.pop("mask_decoder.iou_token.weight")
    with pytest.raises(ValueError, match=r"iou_token.*stranger"):
        grounding.load_segment_anything(converted)


class _Code:
    """A pickle that would make a file if it were opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.mkdir, (str(self.path),)


def test_a_pickle_with_code_is_refused_unrun(tmp_path: Path) -> None:
    torch.save({"image_encoder.x": _Code(tmp_path / "ran")}, tmp_path / "bad.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Code(tmp_path / "ran")))
    for name in ("bad.pth", "plain.pth"):
        with pytest.raises(CheckpointError, match="more than weights") as refused:
            convert_sam(tmp_path / name, tmp_path / "out.safetensors")
        assert "\n" not in str(refused.value)
        assert str(refused.value).endswith(".")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out.safetensors").exists()


def test_what_is_no_sam_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not there"):
        convert_sam(tmp_path / "none.pth", tmp_path / "out.safetensors")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="lacks"):
        convert_sam(tmp_path / "other.pth", tmp_path / "out.safetensors")
    torch.save({"weight": "words"}, tmp_path / "words.pth")
    with pytest.raises(CheckpointError, match="not a table of weights"):
        convert_sam(tmp_path / "words.pth", tmp_path / "out.safetensors")
    _sam_file(tmp_path / "sam.pth")
    with pytest.raises(OutputError, match=r"\.safetensors"):
        convert_sam(tmp_path / "sam.pth", tmp_path / "missing" / "out.safetensors")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_sam(tmp_path / "sam.pth")
