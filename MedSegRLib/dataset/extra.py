"""Extra: packages that only the making of data sets needs, asked for by the feature that needs them."""

from __future__ import annotations

import importlib
from typing import Any

from MedSegRLib.errors import UserInputError

__all__ = ["extra"]


def extra(module: str, feature: str) -> Any:
    """Import a module of a package of the extra `dataset`.

    Raises
    ------
    UserInputError
        If it is not installed; the sentence says what for and how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserInputError(
            f"{feature} needs the package {error.name}, which is not installed; "
            "install it with: pip install 'medsegr[dataset]'."
        ) from error
