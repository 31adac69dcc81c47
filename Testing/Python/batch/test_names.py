"""Keys: safe as names of folders, no two alike, and the same whatever the order."""

from __future__ import annotations

import random
import unicodedata
from pathlib import PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MedSegRLib.batch.names import is_safe_name, unique_keys

NAMES = st.lists(
    st.text(st.sampled_from("aAbB_-./ é\u0301ß海:*?\\\n~"), min_size=1, max_size=12)
    | st.sampled_from(["con", "NUL.x", "..", ".", "x" * 300, "t1", "T1"]),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None, database=None)
@given(names=NAMES, seed=st.integers(0, 99))
def test_any_names_become_safe_and_different_keys_in_any_order(names, seed) -> None:
    pairs = [(name, f"/place/{n}") for n, name in enumerate(names)]
    keys = dict(zip(pairs, unique_keys(names, [place for _, place in pairs]), strict=True))
    assert len({unicodedata.normalize("NFC", key).casefold() for key in keys.values()}) == len(names)
    for key in keys.values():
        assert is_safe_name(key) and len(key.encode()) < 250
        assert PureWindowsPath(key).name == key and not PureWindowsPath(key).is_reserved()
        assert not any(sign in key for sign in '<>:"/\\|?* \n') and key == key.strip(". ")
    random.Random(seed).shuffle(pairs)
    again = unique_keys([name for name, _ in pairs], [place for _, place in pairs])
    assert again == [keys[pair] for pair in pairs]


def test_a_path_becomes_a_key_that_a_person_recognizes() -> None:
    assert unique_keys(["sub-01/anat/t1"], ["/x"]) == ["sub-01_anat_t1"]


@pytest.mark.parametrize("name", ["a b", "", "a/b", ".a", "-a", "a.", "aux", "Com1.nii", "a" * 81, "a:b"])
def test_a_name_that_some_system_refuses_is_not_safe(name) -> None:
    assert not is_safe_name(name)
