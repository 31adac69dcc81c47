"""Recipe: from label maps and phrasings to a checkpoint folder, one TOML file long.

Stages run in their order, each resuming from what it left in the work folder; a finished one is only read.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import SimpleITK as sitk
import torch
from tokenizers import Tokenizer
from torch import nn

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.building.held_out import held_out_questions
from MedSegRLib.dataset.stock import load_stock
from MedSegRLib.errors import UserInputError
from MedSegRLib.model.checkpoint import load_checkpoint
from MedSegRLib.model.grounding import Grounding, GroundingConfig
from MedSegRLib.model.medsegr import MedSegR, MedSegRConfig
from MedSegRLib.model.mini import build_mini_understanding

from .coverage import Coverage
from .events import Watch, nobody
from .grounding_stage import GroundingBatches, GroundingStage, prompt_codes
from .growing import grown_state
from .joint_batches import JointBatches, Shares
from .joint_stage import JointStage
from .language_stage import LanguageStage, TextBatches, full_scene
from .loop import LoopConfig, Stage, run_stage
from .mask_stage import MaskStage
from .processes import Processes
from .real_scans import RealScan, read_real_scans
from .real_slices import RealSlices
from .recipe_file import hold_to, loop_config, read_recipe
from .record import write_trained
from .synthesis import HeadMap, SynthesisConfig
from .targets import PartTargets
from .tokenizer import train_tokenizer

__all__ = ["STAGES", "Recipe", "run_recipe"]

STAGES = ("grounding", "language", "understanding", "joint", "masks")
_CANVASES = (((192, 160), 0.8), ((224, 192), 0.2))


class Recipe:
    """A recipe file, opened on a data folder and a work folder.

    Parameters
    ----------
    path
        The TOML file.
    data
        Folder of the scans, with `index.json`.
    work
        Where stages keep their state; created if it is not there.
    start
        Folder of a model of the same sizes to go on from, tokenizer included; fresh weights if None.

    Raises
    ------
    UserInputError
        If the recipe cannot be read or a label map is missing.
    """

    def __init__(self, path: Path, data: Path, work: Path, start: Path | None = None) -> None:
        self.values: dict[str, Any] = read_recipe(path)
        self.data, self.work, self.seed = data, work, int(self.values["seed"])
        self.start = None if start is None else load_checkpoint(start, "fp32")
        # Who goes on from a model meets batches that it has not seen, and so does who goes on from that one.
        self.draws = self.seed
        for weights in () if start is None else sorted(start.rglob("*.safetensors")):
            self.draws += crc32(weights.read_bytes())
        model = {k: v for k, v in self.values["model"].items() if not isinstance(v, dict)}
        self.config = MedSegRConfig.from_dict(model)
        self.table = load_table()
        self.targets = PartTargets.of(self.table, self.config.offered)
        self.head_coverage = Coverage.of_heads(self.targets, self.table)
        self.annotator = OfflineAnnotator(self.table, load_stock(), held_out_questions())
        grounding = self.values["model"]["grounding"]
        self.codes = prompt_codes(self.targets, int(grounding["embed_dim"]), self.seed)
        self.files: list[Path] = []
        self._scans: dict[str, list[RealScan]] = {}

    def label_maps(self, which: str) -> list[Path]:
        """Paths of the label maps of one split ("train", "development" or "held_out")."""
        settings = self.values["data"]
        paths = [self.data / settings["label_maps"].format(number=n) for n in settings[which]]
        missing = [p for p in paths if not p.exists()]
        if missing:
            raise UserInputError(f"There is no label map {missing[0]}; name the data folder with --data.")
        return paths

    def heads(self) -> list[HeadMap]:
        """Label maps that are trained on."""
        paths = self.label_maps("train")
        self.files += [p for p in paths if p not in self.files]
        return [HeadMap.of(read_axial_labels(p)) for p in paths]

    def scans(self, which: str) -> list[RealScan]:
        """Real scans of "real_sources", which are drawn, or of "other_sources", to say no on; read once."""
        if which not in self._scans:
            sources = self.values["data"].get(which)
            if not isinstance(sources, list):
                raise UserInputError(
                    f"[data] of the recipe has no list {which}; name the sources of the data folder's index "
                    "that are trained on beside made-up heads, [] for none."
                )
            scans, files = read_real_scans(self.data, sources, self.targets, self.table, self.config)
            self.files += [f for f in files if f not in self.files]
            self._scans[which] = scans
        return self._scans[which]

    def tokenizer(self) -> Tokenizer:
        """The tokenizer of this work folder, learnt if it is not there yet."""
        path = self.work / "tokenizer.json"
        if not path.exists() and self.start is not None:
            self.work.mkdir(parents=True, exist_ok=True)
            self.start.understanding.processor.tokenizer.backend_tokenizer.save(str(path))
        if not path.exists():
            settings = self.values["tokenizer"]
            rng, scene = random.Random(self.seed), full_scene(self.annotator, self.config.offered)
            lines: list[str] = []
            for _ in range(settings["conversations"]):
                for exchange in self.annotator.converse(scene, 1, rng):
                    lines += [f" {exchange.question.lower()}", exchange.answer]
            self.work.mkdir(parents=True, exist_ok=True)
            train_tokenizer(lines, settings["vocabulary"]).save(str(path))
        return Tokenizer.from_file(str(path))

    def model(self) -> MedSegR:
        """The whole model as training begins with it."""
        torch.manual_seed(self.seed)
        grounding = Grounding(GroundingConfig.from_dict(self.values["model"]["grounding"]))
        torch.manual_seed(self.seed)
        understanding = build_mini_understanding(
            self.tokenizer(), picture_size=self.config.picture_size, **self.values["model"]["understanding"]
        )
        # torch's annotations leave out that a module takes a memory format by name.
        grounding.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        model = MedSegR(understanding, grounding, self.config)
        if self.start is not None:
            ours, theirs = model.state_dict(), grown_state(self.start, model)
            for name in sorted({*ours, *theirs}):
                if name not in ours or name not in theirs or ours[name].shape != theirs[name].shape:
                    raise UserInputError(
                        f"The recipe does not describe the model to go on from, {name} differs; take the "
                        "recipe that made it."
                    )
            model.load_state_dict(theirs)
        return model

    def loop(self, stage: str) -> LoopConfig:
        """How a stage is to be run."""
        return loop_config(self.values, stage)

    # -- stages

    def grounding_stage(self, model: MedSegR) -> GroundingStage:
        """Grounding alone."""
        batches = GroundingBatches(
            self.heads(),
            RealSlices(self.scans("real_sources")),
            self.targets,
            SynthesisConfig(),
            _CANVASES,
            head_coverage=self.head_coverage,
            seed=self.draws,
            prompt_dim=self.codes.shape[1],
        )
        torch.manual_seed(self.seed)
        return GroundingStage(model.grounding, batches, codes=self.codes)

    def language_stage(self, model: MedSegR) -> LanguageStage:
        """Language alone."""
        batches = TextBatches(
            self.annotator, self.tokenizer(), self.config.offered, seed=self.draws, bag=True
        )
        torch.manual_seed(self.seed)
        language = model.understanding.model
        return LanguageStage(language.get_decoder(), language.get_output_embeddings(), batches)

    def joint_stage(self, name: str, model: MedSegR) -> JointStage:
        """With pictures: "understanding" or "joint"."""
        shares = Shares() if self.scans("real_sources") else Shares(real=0.25)
        batches = self._joint_batches(name, shares)
        torch.manual_seed(self.seed)
        patch_head = nn.Linear(model.understanding.hidden_size, len(self.targets.parts) + 1)
        return JointStage(name, model, batches, self.codes, patch_head)

    def mask_stage(self, model: MedSegR) -> MaskStage:
        """Masks, with the language model at rest."""
        shares = Shares(examinations=0, slices=14, written=0.0, one_prompt=0.1)
        return MaskStage(model, self._joint_batches("masks", shares))

    def _joint_batches(self, name: str, shares: Shares) -> JointBatches:
        return JointBatches(
            self.heads(),
            self.scans("real_sources"),
            self.scans("other_sources") if shares.examinations else (),
            self.targets,
            self.annotator,
            self.tokenizer(),
            self.config,
            SynthesisConfig(),
            head_coverage=self.head_coverage,
            patch_grid=self.config.picture_size // int(self.values["model"]["understanding"]["patch"]),
            seed=self.draws + STAGES.index(name),
            shares=shares,
        )


def run_recipe(
    path: Path,
    work: Path,
    *,
    data: Path,
    checkpoint: Path | None = None,
    only: Sequence[str] = STAGES,
    start: Path | None = None,
    judge: Callable[[MedSegR], float] | None = None,
    watch: Watch = nobody,
) -> MedSegR:
    """Train by a recipe and write the checkpoint folder.

    Parameters
    ----------
    path, data, work, start
        See `Recipe`.
    checkpoint
        Where the model goes when its last stage is done; `work`/checkpoint if omitted.
    only
        Stages to run; those before them must have been finished in `work`.
    judge
        Scores a model, higher is better, where a stage of the recipe says `evaluate_every`.
    watch
        Is told how far it is.

    Raises
    ------
    UserInputError
        If something is missing, the recipe of a run has changed, or a stage cannot be judged.
    """
    recipe = Recipe(path, data, work, start)
    if not (data / "index.json").is_file():
        raise UserInputError(f"{data} has no index.json; name the folder of scans with --data.")
    for name in ("grounding", "language"):
        if recipe.loop(name).evaluate_every:
            raise UserInputError(f"[stage.{name}] trains no whole model, so leave its evaluate_every out.")
    processes = Processes(cpu=True)
    rests_on = {**recipe.values, "start": None if start is None else str(start.resolve())}
    hold_to(rests_on, work, STAGES, write=processes.is_main)
    if processes.is_main:
        recipe.tokenizer()  # written once, and read by the others
    processes.wait()
    model = recipe.model()

    def wanted(name: str) -> bool:
        return name in only or (work / f"{name}.safetensors").exists()

    def run(stage: Stage, *, whole: bool = True) -> nn.ModuleDict:
        score = None if judge is None or not whole else lambda: judge(model)
        return run_stage(stage, recipe.loop(stage.name), work, processes=processes, watch=watch, score=score)

    patch_head = None
    if wanted("grounding"):
        averaged = run(recipe.grounding_stage(model), whole=False)
        model.grounding.load_state_dict(averaged["grounding"].state_dict())
    if wanted("language"):
        averaged = run(recipe.language_stage(model), whole=False)
        model.understanding.model.get_decoder().load_state_dict(averaged["decoder"].state_dict())
    for name in ("understanding", "joint"):
        if wanted(name):
            stage = recipe.joint_stage(name, model)
            if patch_head is not None:
                stage.modules["patch_head"].load_state_dict(patch_head.state_dict())
            grounding = copy.deepcopy(model.grounding.state_dict())
            averaged = run(stage)
            model.load_state_dict(averaged["model"].state_dict())
            if name == "understanding":
                # It was at rest there, and its own stage may have gone on beside this one.
                model.grounding.load_state_dict(grounding)
            patch_head = averaged["patch_head"]
    if wanted("masks"):
        averaged = run(recipe.mask_stage(model))
        model.load_state_dict(averaged["model"].state_dict())
    model.requires_grad_(True).eval()
    if processes.is_main:
        write_trained(
            model, checkpoint or work / "checkpoint", work, recipe=recipe.values, stages=STAGES, data=data,
            files=recipe.files, dtype=torch.float16,
        )  # fmt: skip
    return model


def read_axial_labels(path: Path) -> np.ndarray:
    """Label map [slice, row, column] in the canonical axial view, int16."""
    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    return sitk.GetArrayFromImage(image).astype(np.int16)
