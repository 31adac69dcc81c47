"""Extras: packages that one feature needs and nothing else, asked for by that feature."""

from __future__ import annotations

import importlib
from typing import Any

from MedSegRLib.errors import UserInputError

__all__ = ["import_extra"]


def import_extra(module: str, feature: str, extra: str) -> Any:
    """Import a module of a package that comes with an extra of the distribution.

    Parameters
    ----------
    module
        Its name for an import.
    feature
        What needs it, to begin a sentence with.
    extra
        The extra in pyproject.toml that brings it.

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
            f"install it with: pip install 'medsegr[{extra}]'."
        ) from error
