"""Parts of blobs, and the files that keep their state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.store.parts import MAX_PART, MIN_PART, Part, length, split


@given(st.integers(0, 200 * MAX_PART))
def test_parts_cover_a_blob(total: int) -> None:
    parts = split(total)
    assert length(parts) == total
    assert all(part.size <= MAX_PART for part in parts)
    assert all(part.size >= MIN_PART for part in parts[:-1])
    assert length(parts[:-1]) != total or not parts


@pytest.mark.parametrize(
    ("total", "sizes"),
    [
        (0, []),
        (416, [416]),
        (250_000_000, [100_000_000, 100_000_000, 50_000_000]),
        (1_700_000_000, [106_250_000] * 16),
    ],
)
def test_sizes_as_recorded(total: int, sizes: list[int]) -> None:
    assert [part.size for part in split(total)] == sizes


def test_the_state_is_one_line() -> None:
    part = Part(3, 300, 100, 7)
    assert part.encode() == b'{"N":3,"Offset":300,"Size":100,"Completed":7}\n'
    assert Part.decode(part.encode()) == part


@given(st.binary())
def test_any_bytes_are_a_part_or_none(data: bytes) -> None:
    try:
        part = Part.decode(data)
    except ValueError:
        return
    assert Part.decode(part.encode()) == part


@pytest.mark.parametrize(
    "parts",
    [
        [Part(1, 0, 5)],
        [Part(0, 1, 5)],
        [Part(0, 0, 0)],
        [Part(0, 0, 5, 6)],
        [Part(0, 0, 5, -1)],
        [Part(0, 0, 5), Part(1, 4, 5)],
        [Part(0, 0, 5), Part(2, 5, 5)],
    ],
)
def test_parts_with_gaps_are_no_blob(parts: list[Part]) -> None:
    assert length(parts) is None
