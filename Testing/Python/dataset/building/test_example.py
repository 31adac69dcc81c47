"""The example that is committed: a hundred conversations about made-up bodies, small, and good."""

from __future__ import annotations

import json
from pathlib import Path

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.dataset.building.checks import leaks
from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import read_items
from MedSegRLib.dataset.source_file import read_sources
from MedSegRLib.dataset.validate import validate

FOLDER = Path(__file__).resolve().parents[4] / "Examples" / "medsegqa"


def test_the_example_is_small_valid_and_of_many_kinds(table: AnatomyTable) -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 300_000
    assert validate(FOLDER / "items.jsonl") == []
    items = list(read_items(FOLDER / "items.jsonl"))
    assert len(items) == 100 and len({item.region for item in items}) == 5
    kinds = {exchange.question_type for item in items for exchange in item.exchanges}
    assert kinds == set(QuestionType) - {QuestionType.NOT_OFFERED, QuestionType.HELP}
    for exchange in (exchange for item in items for exchange in item.exchanges):
        if exchange.question_type is QuestionType.IMPLICIT:
            assert leaks(exchange.question, [t.structure for t in exchange.targets], table) == []


def test_its_sources_and_manifest_belong_to_it() -> None:
    sources = list(read_sources(FOLDER / "sources.jsonl"))
    assert all(label.file.is_file() for source in sources for label in source.labels)
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["items"] == 100 and manifest["patients"] == len(sources)
    assert 0.9 < manifest["accept_rate"] <= 1.0
