"""Frames and what is packed in them: what goes in comes out, and nothing else gets through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from MedSegRLib import errors
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.resources import ResourceNotFoundError
from MedSegRLib.service.packing import pack_error, pack_mask, unpack_error, unpack_mask
from MedSegRLib.service.protocol import MAGIC, Frame, FrameReader, ProtocolError, message
from MedSegRLib.service.voxel_files import VoxelFiles, read_handed_over

frames = st.lists(
    st.builds(
        lambda text, payloads: Frame({"type": "x", "text": text}, tuple(payloads)),
        st.text(),
        st.lists(st.binary(max_size=40), max_size=3),
    ),
    min_size=1,
    max_size=4,
)


@given(frames, st.lists(st.integers(1, 60), min_size=1))
def test_frames_come_out_whole_from_pieces_of_any_size(sent, sizes):
    data = b"".join(frame.to_bytes() for frame in sent)
    reader, got, at, n = FrameReader(), [], 0, 0
    while at < len(data):
        size = sizes[n % len(sizes)]
        reader.feed(data[at : at + size])
        at, n = at + size, n + 1
        while (frame := reader.take()) is not None:
            got.append(frame)
    assert got == sent and reader.noise == b""


@given(st.binary(max_size=200))
def test_garbage_after_a_frame_is_refused_or_waited_for_but_never_taken(garbage):
    reader = FrameReader()
    reader.feed(message("x").to_bytes())
    assert reader.take() == message("x")
    reader.feed(garbage)
    try:
        assert reader.take() is None
        assert garbage[:4] == MAGIC[: len(garbage)]
    except ProtocolError:
        assert garbage


LENGTHS = b"\x00\x00\x00\x02" + b"\x00" * 8


@pytest.mark.parametrize(
    "data",
    [
        MAGIC + b"\xff" * 12,
        MAGIC + LENGTHS + b"[]",
        MAGIC + LENGTHS + b"{}",
        MAGIC + LENGTHS + b"{\xff",
        message("x", (b"abc",)).to_bytes().replace(b"[3]", b"[2]"),
        message("x", (b"abc",)).to_bytes().replace(b"[3]", b"{3}"),
        message("x").to_bytes().replace(b'"x"', b"123"),
    ],
    ids=["lengths", "no object", "no sizes", "no text", "wrong size", "no list", "no type"],
)
def test_a_frame_that_is_none_is_refused(data):
    reader = FrameReader()
    reader.feed(data)
    with pytest.raises(ProtocolError):
        reader.take()


@given(arrays(bool, array_shapes(min_dims=2, max_dims=3, max_side=9)))
def test_masks_come_back_bit_for_bit(mask):
    header, payload = pack_mask(mask)
    back = unpack_mask(header, payload)
    assert back.dtype == np.bool_
    np.testing.assert_array_equal(back, mask)


def test_a_small_mask_in_a_large_scan_takes_little_room():
    mask = np.zeros((200, 256, 256), dtype=bool)
    mask[90:110, 100:130, 80:100] = True
    assert len(pack_mask(mask)[1]) < 2000


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_crosses_with_its_class_and_its_sentence(name):
    error = getattr(errors, name)("A sentence.")
    back = unpack_error(pack_error(error))
    assert type(back) is type(error) and str(back) == "A sentence."


def test_an_error_beside_the_tree_crosses_as_the_nearest_one_in_it():
    back = unpack_error(pack_error(ResourceNotFoundError("Not there.")))
    assert type(back) is errors.MedSegRError and str(back) == "Not there."


def test_a_scan_is_handed_over_with_all_that_it_is(tmp_path):
    voxels = np.random.default_rng(0).normal(size=(2, 3, 4))
    matrix = np.array([[0.0, -2.1, 0, 5], [1.3, 0, 0, -7], [0, 0, 3.7, 0.1], [0, 0, 0, 1]])
    volume = Volume(voxels, matrix, Modality.CT, "näme", "/a/b c.nrrd", False, False, True, ("Said.",))
    back = read_handed_over(tmp_path, VoxelFiles(tmp_path).hand_over(volume))
    assert back.fingerprint() == volume.fingerprint()
    for name in ("modality", "name", "source", "spacing_known", "orientation_known", "made_symmetric"):
        assert getattr(back, name) == getattr(volume, name)
    assert back.notes == volume.notes
    np.testing.assert_array_equal(back.ijk_to_ras, volume.ijk_to_ras)
