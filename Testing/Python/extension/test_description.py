"""What the extension says of itself, in the three forms that Slicer and its index read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
# The categories of the index's own check, as of August 2026, that could be meant here.
CATEGORIES = {"Analysis", "Informatics", "Neuroimaging", "Quantification", "Segmentation", "Utilities"}
# Schema v1.0.2 of the index: field -> type. It allows no other.
FIELDS = {
    "$schema": str,
    "build_dependencies": list,
    "build_subdirectory": str,
    "category": str,
    "dicom_support_rule": str,
    "enabled": bool,
    "scm_revision": str,
    "scm_type": str,
    "scm_url": str,
    "tier": int,
}
REQUIRED = {"$schema", "category", "scm_url"}
SCHEMA = "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.2.json#"
WRITTEN = ["CMakeLists.txt", "MedSegR.json", "MedSegR.s4ext", "MedSegR/CMakeLists.txt"]
LISTS = ["MedSegRLib/CMakeLists.txt", "Resources/CMakeLists.txt"]


def keywords(path: Path) -> dict[str, str]:
    """Keyword and value of each line of an .s4ext file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return {keyword: value for keyword, _, value in pairs}


@pytest.fixture(scope="module")
def top() -> str:
    return (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def said(top: str) -> dict[str, str]:
    """The EXTENSION_ values, found as the index's check finds them: by reading, not by running."""
    return dict(re.findall(r'^set\(EXTENSION_([A-Z_]+) "([^"]+)"\)', top, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def entry() -> dict[str, Any]:
    return json.loads((ROOT / "MedSegR.json").read_text(encoding="utf-8"))


def test_the_entry_of_the_index_follows_its_schema(entry: dict[str, Any]) -> None:
    assert entry.keys() >= REQUIRED and entry.keys() <= FIELDS.keys()
    assert entry["$schema"] == SCHEMA
    for field, value in entry.items():
        assert type(value) is FIELDS[field], field
    assert entry["category"] in CATEGORIES
    assert 1 <= entry["tier"] <= 5
    assert entry["build_dependencies"] == ["PyTorch"]


def test_the_repository_is_named_as_the_index_wants_it(entry: dict[str, Any], top: str) -> None:
    assert re.fullmatch(r"https://github\.com/[\w-]+/SlicerMedSegR", entry["scm_url"])
    # The name of the file and of the project are the extension's, which does not begin with Slicer.
    assert re.findall(r"project\s*\(\s*([^\s)]+)", top) == ["MedSegR"]


def test_the_three_forms_say_the_same(entry: dict[str, Any], said: dict[str, str]) -> None:
    old = keywords(ROOT / "MedSegR.s4ext")
    both = old.keys() & {name.lower() for name in said}
    assert len(both) == 7
    for keyword in both:
        assert old[keyword] == said[keyword.upper()], keyword
    assert old["scm"] == entry["scm_type"] == "git"
    assert old["scmurl"] == entry["scm_url"] == said["HOMEPAGE"]
    assert old["scmrevision"] == entry["scm_revision"]
    assert old["build_subdirectory"] == entry["build_subdirectory"] == "."
    assert old["depends"].split() == entry["build_dependencies"]
    assert (old["category"], said["TIER"]) == (entry["category"], str(entry["tier"]))
    assert old["enabled"] == "1" and entry["enabled"] is True
    assert old.keys() == {
        *("scm", "scmurl", "scmrevision", "depends", "build_subdirectory", "homepage", "contributors"),
        *("category", "iconurl", "status", "description", "screenshoturls", "enabled"),
    }


def test_what_was_said_arrives_whole_in_the_package(install_tree: Path, said: dict[str, str]) -> None:
    (packed,) = install_tree.rglob("*.s4ext")
    assert packed.relative_to(install_tree).as_posix() == "share/Slicer-5.12/MedSegR.s4ext"
    assert len(said) >= 9
    arrived = keywords(packed)
    assert arrived == {keyword: said[keyword.upper()] for keyword in arrived}


def test_both_licences_and_the_purpose_are_said(said: dict[str, str]) -> None:
    for words in ("Apache-2.0", "CC BY-NC-SA 4.0", "non-commercial", "research use", "not for diagnosis"):
        assert words in said["DESCRIPTION"]
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    weights = (ROOT / "Resources" / "Models" / "medsegr-mini" / "LICENSE").read_text(encoding="utf-8")
    assert "Attribution-NonCommercial-ShareAlike 4.0" in weights


def test_pictures_named_by_address_are_in_the_repository(said: dict[str, str]) -> None:
    raw = said["HOMEPAGE"].replace("https://github.com/", "https://raw.githubusercontent.com/") + "/main/"
    addresses = [said["ICONURL"], *said["SCREENSHOTURLS"].split()]
    for address in addresses:
        assert address.startswith(raw)
        with Image.open(ROOT / address.removeprefix(raw)) as picture:
            assert picture.format == "PNG"
    with Image.open(ROOT / addresses[0].removeprefix(raw)) as icon:
        assert icon.size == (128, 128) and icon.mode == "RGBA"


@pytest.mark.parametrize("name", WRITTEN + LISTS)
def test_what_the_index_reads_ends_its_lines_as_it_wants(name: str) -> None:
    written = (ROOT / name).read_bytes()
    assert b"\r" not in written and written.endswith(b"\n")


def test_what_an_index_visitor_downloads_is_small() -> None:
    # The index refuses a checkout of more than 100 MB.
    tops = [ROOT / name for name in ("MedSegR", "MedSegRLib", "Resources", "Testing")]
    sizes = [path.stat().st_size for top in tops for path in top.rglob("*") if path.is_file()]
    assert 5e6 < sum(sizes) < 100e6
