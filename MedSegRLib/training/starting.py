"""Starting: the model that a fine-tuning begins with, from a MedSeg-R folder or from published parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from MedSegRLib.dataset.format import Item
from MedSegRLib.errors import CheckpointError, UserInputError
from MedSegRLib.imaging import Plane
from MedSegRLib.model.checkpoint import open_model, refuse_misfits
from MedSegRLib.model.convert import read_sam
from MedSegRLib.model.grounding import Grounding, GroundingConfig
from MedSegRLib.model.known import model_folder
from MedSegRLib.model.medsegr import MedSegR, MedSegRConfig
from MedSegRLib.model.pretrained import load_pretrained, read_json
from MedSegRLib.model.understanding import SPECIAL_TOKENS, Understanding

__all__ = ["starting_model"]

_NEEDED = (
    "write model = a MedSeg-R folder, or language = a folder and grounding = a folder or a .safetensors file"
)


def starting_model(
    start: Mapping[str, Any], settings: Mapping[str, Any], items: Sequence[Item], dtype: torch.dtype
) -> MedSegR:
    """Build the model that training begins with.

    Parameters
    ----------
    start
        Either "model", the name or folder of a MedSeg-R model; or "language", the folder of a Hugging Face
        image-text-to-text model, and "grounding", a MedSeg-R folder or SAM's weights as `medsegr convert`
        writes them.
    settings
        Values of `MedSegRConfig` that the new model is to have, and as "grounding" those of
        `GroundingConfig`, where SAM's weights are not of its ViT-B.
    items
        What it is trained on: it will offer what is drawn there, in their regions and modalities.
    dtype
        Number type to compute in. What rests is held in it only if it is stored so, since it is to stay as
        it is; else in fp32.

    Raises
    ------
    UserInputError
        If something is missing, cannot be read, or does not fit together.
    """
    unknown = sorted(set(start) - {"model", "language", "grounding"})
    if (
        unknown
        or ("model" in start) == ("language" in start)
        or ("language" in start) != ("grounding" in start)
    ):
        raise UserInputError(f"[start] of the recipe names {', '.join(start) or 'nothing'}; {_NEEDED}.")
    own = {key: value for key, value in settings.items() if key != "grounding"}
    try:
        if "model" in start:
            model = open_model(start["model"], "fp32")
            config = MedSegRConfig.from_dict({**model.config.to_dict(), **own})
            stored = model_folder(start["model"]) / "understanding"
            model.understanding.model.to(_resting(stored, dtype))
        else:
            config = MedSegRConfig.from_dict(own)
            grounding = _grounding(str(start["grounding"]), settings.get("grounding"))
            refuse_misfits(config, grounding.config)
            model = MedSegR(_understanding(Path(start["language"]), dtype), grounding, config)
        Plane(config.plane)
        refuse_misfits(config, model.grounding.config)
    except (TypeError, ValueError) as error:
        if isinstance(error, UserInputError):
            raise
        raise UserInputError(f"[model] of the recipe does not fit what it starts from: {error}.") from error
    model.config = config.with_(
        offered=_more(
            config.offered, (t.structure for i in items for e in i.exchanges for t in e.targets if t.present)
        ),
        regions=_more(config.regions, (item.region for item in items)),
        modalities=_more(config.modalities, (item.modality for item in items if item.modality != "unknown")),
    )
    # Thresholds are those of other weights.
    model.calibration = {}
    return model.eval()


def _resting(folder: Path, dtype: torch.dtype) -> torch.dtype:
    """The number type if the weights in a Hugging Face folder are stored in it; else fp32."""
    settings = read_json(folder / "config.json")
    stored = settings.get("dtype") or settings.get("torch_dtype")
    return dtype if stored == str(dtype).removeprefix("torch.") else torch.float32


def _more(known: Sequence[str], found: Any) -> tuple[str, ...]:
    return (*known, *sorted(set(found) - set(known)))


def _grounding(place: str, sizes: Any) -> Grounding:
    path = Path(place)
    if path.is_dir() or not path.suffix:
        return open_model(place, "fp32").grounding
    grounding = Grounding(GroundingConfig.sam_vit_b() if sizes is None else GroundingConfig.from_dict(sizes))
    try:
        grounding.load_segment_anything(read_sam(path))
    except (ValueError, RuntimeError) as error:
        if isinstance(error, CheckpointError):
            raise
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{path} is not of the sizes of [model.grounding]: {reason}.") from error
    return grounding


def _understanding(folder: Path, dtype: torch.dtype) -> Understanding:
    language, processor = load_pretrained(folder, _resting(folder, dtype))
    tokenizer = processor.tokenizer
    new = [token for token in SPECIAL_TOKENS if token not in tokenizer.get_vocab()]
    understanding = Understanding(language, processor)
    rows = tokenizer.convert_tokens_to_ids(new)
    # A padded matrix has rows for them that were never trained; the mean of all words is a better start.
    words, head = language.get_input_embeddings().weight, language.get_output_embeddings().weight
    for matrix in (words,) if head is words else (words, head):
        with torch.no_grad():
            mean = matrix.mean(0, dtype=torch.float32)
            noise = 0.1 * float(matrix.std()) * torch.randn(len(rows), len(mean))
            matrix[rows] = (mean + noise).to(matrix.dtype)
    return understanding
