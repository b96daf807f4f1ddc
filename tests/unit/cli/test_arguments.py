from __future__ import annotations

import pytest

from ollamars.cli.arguments import Flag, command_position, edit_distance, parse
from ollamars.cli.errors import UsageError

FLAGS = (
    Flag("verbose", "", short="v"),
    Flag("quiet", "", short="q"),
    Flag("file", "", short="f", type="string"),
    Flag("size", "", type="int"),
    Flag("think", "", type="string", bare="true"),
)


@pytest.mark.parametrize(
    ("words", "args", "flags"),
    [
        (["a", "--verbose", "b"], ["a", "b"], {"verbose": True}),
        (["--verbose=false"], [], {"verbose": False}),
        (["-vq", "x"], ["x"], {"verbose": True, "quiet": True}),
        (["-vfname", "x"], ["x"], {"verbose": True, "file": "name"}),
        (["-f", "name"], [], {"file": "name"}),
        (["-f=name"], [], {"file": "name"}),
        (["--file", "--verbose"], [], {"file": "--verbose"}),
        (["--think", "high"], ["high"], {"think": "true"}),
        (["--think="], [], {"think": ""}),
        (["--size", "0x10"], [], {"size": 16}),
        (["--size=010"], [], {"size": 8}),
        (["--", "--verbose", "-"], ["--verbose", "-"], {}),
        (["-"], ["-"], {}),
    ],
)
def test_parsed(words: list[str], args: list[str], flags: dict[str, object]) -> None:
    parsed = parse(words, FLAGS)
    assert parsed.args == args
    assert parsed.flags == flags


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--nosuch=1"], "unknown flag: --nosuch"),
        (["-vx"], "unknown shorthand flag: 'x' in -x"),
        (["--file"], "flag needs an argument: --file"),
        (["-vf"], "flag needs an argument: 'f' in -f"),
        (["--=x"], "bad flag syntax: --=x"),
        (
            ["--verbose=no"],
            'invalid argument "no" for "-v, --verbose" flag: '
            'strconv.ParseBool: parsing "no": invalid syntax',
        ),
        (
            ["--size", "1_0"],
            'invalid argument "1_0" for "--size" flag: '
            'strconv.ParseInt: parsing "1_0": invalid syntax',
        ),
        (
            ["--size=9223372036854775808"],
            'invalid argument "9223372036854775808" for "--size" flag: '
            'strconv.ParseInt: parsing "9223372036854775808": value out of range',
        ),
    ],
)
def test_refused(words: list[str], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words, FLAGS)
    assert str(caught.value) == text


def test_where_the_command_is() -> None:
    assert command_position(["--verbose", "run", "m"], FLAGS) == 1
    assert command_position(["--file", "x", "run"], FLAGS) == 2
    assert command_position(["-v"], FLAGS) is None
    assert command_position(["--", "run"], FLAGS) is None


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("lis", "list", 1), ("LIS", "ps", 2), ("", "ab", 2)]
)
def test_edit_distance(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == distance
