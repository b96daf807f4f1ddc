from __future__ import annotations

import io

import pytest

from ollamars.cli.progress import Bar, Progress, Spinner, remaining_time


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bar_fills_the_width() -> None:
    clock = Clock()
    bar = Bar("pulling x:", 2_000_000_000, clock)
    for second in range(3):
        clock.now = second
        bar.set(second * 500_000_000)
    text = bar.text(80)
    assert len(text) == 80
    assert text.startswith("pulling x:  50% ▕")
    assert "1 GB/2 GB" in text
    assert "500 MB/s" in text
    assert text.endswith("2s")


def test_a_finished_bar_shows_the_total() -> None:
    bar = Bar("x", 512)
    bar.set(512)
    assert "100%" in bar.text(80)
    assert "/s" not in bar.text(80)
    assert "512 B" in bar.text(80)


def test_a_bar_without_total() -> None:
    bar = Bar("x", 0)
    bar.set(5)
    assert bar.text(60).startswith("x 100%")


def test_a_spinner_turns_until_it_stops() -> None:
    clock = Clock()
    spinner = Spinner("busy", clock)
    first = spinner.text(80)
    clock.now = 0.15
    assert first != spinner.text(80)
    spinner.stop()
    assert spinner.text(80) == "busy"
    assert Spinner("x" * 100).text(20).startswith("x" * 18 + " ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5s"), (182, "3m2s"), (3840, "1h4m"), (400_000, "99h+")],
)
def test_remaining_time(seconds: float, text: str) -> None:
    assert remaining_time(seconds) == text


def test_the_last_picture_stays() -> None:
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        progress.spin("one")
        progress.spin("two")
    assert stream.getvalue().endswith("one\x1b[K\ntwo\x1b[K\x1b[?25h\x1b[?2026l\n")


def test_a_long_status_is_cut_until_the_last_picture() -> None:
    spinner = Spinner("x" * 100)
    spinner.stop()
    assert spinner.text(80) == "x" * 78
    assert spinner.last_text(80) == "x" * 100


def test_or_is_cleared() -> None:
    stream = io.StringIO()
    with Progress(clear=True, stream=stream) as progress:
        progress.spin("one")
        progress.add_spinner("two")
    assert stream.getvalue().endswith("\x1b[2K\x1b[1G\x1b[A\x1b[2K\x1b[1G")
