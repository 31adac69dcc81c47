"""Sample data: the head MR of Slicer's own collection, offered under the module's name as well.

Nothing is fetched here: Slicer's module Sample Data does that on a click, and checks the digest.
"""

from __future__ import annotations

from slicer.util import TESTING_DATA_URL

__all__ = ["register_sample_data"]

_SHA256 = "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"


def register_sample_data() -> None:
    """Add the scan to the module Sample Data; called twice, it is there once.

    To be called once the application is up (`startupCompleted()`): the module Sample Data can be
    imported then, and not before.
    """
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="MedSeg-R",
        sampleName="Head MR for MedSeg-R",
        uris=f"{TESTING_DATA_URL}SHA256/{_SHA256}",
        fileNames="MR-head.nrrd",
        # Slicer shows its own picture of the node MRHead beside the name.
        nodeNames="MRHead",
        checksums=f"SHA256:{_SHA256}",
    )
