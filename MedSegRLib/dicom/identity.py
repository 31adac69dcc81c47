"""Identity: the UIDs of what is written, made of what it says and refers to.

Answers that are the same, of the same images, get the same UIDs in every run and on every machine, so
that a file written twice is one object to an archive; whatever differs gets others.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from MedSegRLib.answers import Answer
from MedSegRLib.dicom.source import DicomSource

__all__ = ["Identity", "identify", "uid_of"]

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "MedSeg-R: answers as DICOM")


@dataclass(frozen=True)
class Identity:
    """Who is who in the SEG and the SR of some answers.

    Attributes
    ----------
    digest
        SHA-256 of the answers and of what they are about, hexadecimal.
    """

    digest: str

    def uid(self, *role: object) -> str:
        """The UID of one thing in the files, such as ``uid("SEG", "series")``."""
        return uid_of(self.digest, *role)


def identify(answers: Sequence[Answer], source: DicomSource) -> Identity:
    """Make the identity of answers about a series; neither seconds nor file names count."""
    instances = sorted(str(header.SOPInstanceUID) for header in source.headers)
    digest = hashlib.sha256(json.dumps(instances).encode())
    for answer in answers:
        digest.update(json.dumps(_contents(answer), sort_keys=True).encode())
        for finding in answer.findings:
            digest.update(np.packbits(finding.mask).tobytes())
    return Identity(digest.hexdigest())


def uid_of(*names: object) -> str:
    """A UID derived from a UUID (PS3.5, B.2), always the same for the same names."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps([str(name) for name in names])).int}"


def _contents(answer: Answer) -> dict[str, Any]:
    contents = answer.to_dict()
    del contents["volume"], contents["provenance"]["seconds"]
    return contents
