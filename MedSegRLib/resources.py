"""One locator for the folder Resources/ (models, anatomy, prompts, recipes), wherever it is installed.

Places, in this order: inside the package (an installed wheel), and beside the package (a checkout,
or the module folder of an installed Slicer extension).
"""

from __future__ import annotations

from pathlib import Path

from MedSegRLib.errors import MedSegRError

__all__ = ["ResourceNotFoundError", "resource_path"]

_PACKAGE = Path(__file__).resolve().parent


class ResourceNotFoundError(MedSegRError, FileNotFoundError):
    """A file or folder that should have been installed with the library is not there."""


def resource_path(*parts: str) -> Path:
    """Path of a file or folder under Resources/.

    Parameters
    ----------
    *parts
        Names below Resources/, such as ``"Anatomy", "structures.json"``; none for the folder itself.

    Returns
    -------
    Path
        An absolute path that exists.

    Raises
    ------
    ResourceNotFoundError
        If it is in none of the places; the sentence names them.
    """
    # The whole path is looked for in each place, not the folder alone: a Slicer module folder and
    # site-packages may each hold a Resources/ that is somebody else's.
    places = [root.joinpath("Resources", *parts) for root in (_PACKAGE, _PACKAGE.parent)]
    for place in places:
        if place.exists():
            return place
    searched = " and ".join(str(place) for place in places)
    raise ResourceNotFoundError(
        f"{'/'.join(('Resources', *parts))} is missing (looked for {searched}); install MedSeg-R again."
    )
