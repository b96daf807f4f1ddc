from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.store.names import InvalidName, Name, NameRequired, SourceConflict, parse_ref


@pytest.mark.parametrize(
    ("text", "whole", "short"),
    [
        ("m", "registry.ollama.ai/library/m:latest", "m:latest"),
        ("n/m:t", "registry.ollama.ai/n/m:t", "n/m:t"),
        ("http://h:5000/n/m", "h:5000/n/m:latest", "h:5000/n/m:latest"),
        ("Library/M:T", "registry.ollama.ai/Library/M:T", "M:T"),
    ],
)
def test_parts_and_short_form(text: str, whole: str, short: str) -> None:
    name = Name.parse(text)
    assert name.is_valid
    assert (str(name), name.short) == (whole, short)
    assert Name.from_path(name.path) == Name.parse_bare(whole)


@pytest.mark.parametrize("text", ["", "-m", "a b", "m@x", "a.b/m", "h:1/m", "m:", "/m", "é", "m\n"])
def test_invalid(text: str) -> None:
    name = Name.parse(text)
    assert not name.is_valid
    with pytest.raises(InvalidName):
        _ = name.path


@given(st.text())
def test_a_valid_name_stays_inside_its_folder(text: str) -> None:
    name = Name.parse(text)
    if name.is_valid:
        assert len(name.path.split("/")) == 4
        assert ".." not in name.path.split("/")
        assert name.same_as(Name.parse(str(name)))


def test_references() -> None:
    assert parse_ref(" m:t:Local ").source == "local"
    assert parse_ref("m:20b-cloud").base == "m:20b"
    assert parse_ref("m:20b:cloud", for_pull=True).base == "m:20b-cloud"
    assert parse_ref("m").source == "unspecified"
    with pytest.raises(NameRequired):
        parse_ref("  ")
    with pytest.raises(SourceConflict, match='not both: "m:local:cloud"'):
        parse_ref("m:local:cloud")
    with pytest.raises(InvalidName):
        parse_ref(":cloud")
