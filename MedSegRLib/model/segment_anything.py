"""segment-anything's own modeling parts, loaded without its predictor.

`import segment_anything` also imports torchvision, which only the predictor needs and which often does
not fit the installed torch. The modeling folder imports nothing but torch, so it is loaded from its
place on disk under a name of its own.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

__all__ = ["sam_modeling"]

_PRIVATE_NAME = "_medsegr_segment_anything_modeling"


@cache
def sam_modeling() -> ModuleType:
    """Return segment-anything's `modeling` package: `ImageEncoderViT`, `PromptEncoder`, `MaskDecoder`, ...

    Raises
    ------
    ImportError
        If the package segment-anything is not installed.
    """
    package = importlib.util.find_spec("segment_anything")
    if package is None or not package.submodule_search_locations:
        raise ImportError("segment-anything is not installed; run: pip install segment-anything")
    folder = Path(package.submodule_search_locations[0]) / "modeling"
    spec = importlib.util.spec_from_file_location(
        _PRIVATE_NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"segment-anything has no modeling folder at {folder}; reinstall segment-anything")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_PRIVATE_NAME] = module
    spec.loader.exec_module(module)
    return module
