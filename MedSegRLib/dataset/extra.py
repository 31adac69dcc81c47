"""Extra: packages that only the making of data sets needs, asked for by the feature that needs them."""

from __future__ import annotations

from typing import Any

from MedSegRLib.extras import import_extra

__all__ = ["extra"]


def extra(module: str, feature: str) -> Any:
    """Import a module of a package of the extra `dataset`.

    Raises
    ------
    UserInputError
        If it is not installed; the sentence says what for and how to install it.
    """
    return import_extra(module, feature, "dataset")
