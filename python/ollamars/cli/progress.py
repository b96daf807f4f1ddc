"""Progress on standard error: spinners and bars, redrawn in place ten times a second.

Written also where standard error is no terminal, escape sequences and all. Plain lines would suit
a log better, but that is where programs that run Ollama read its progress, and the recordings of
Ollama take a display without escape sequences for none.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, TextIO

from ollamars.cli.format import human_bytes
from ollamars.cli.width import display_width

_GLYPHS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_INTERVAL = 0.1
_BEGIN, _END = "\x1b[?2026h\x1b[?25l", "\x1b[?25h\x1b[?2026l"
_UP, _LINE_START, _ERASE_RIGHT, _ERASE_LINE = "\x1b[A", "\x1b[1G", "\x1b[K", "\x1b[2K"
_SIZE_WIDTH, _RATE_WIDTH, _LEFT_WIDTH = 6, 8, 7

Clock = Callable[[], float]


class Line(Protocol):
    """One line of the display."""

    def text(self, width: int) -> str:
        """The line for a screen of `width` cells, cut at its edge: it will be drawn over."""

    def last_text(self, width: int) -> str:
        """The line as it stays; it may be longer."""


class Spinner:
    """A status with a turning sign, until it is stopped."""

    def __init__(self, status: str, clock: Clock = time.monotonic) -> None:
        self.status = status
        self._clock = clock
        self._start = clock()
        self._stopped = False

    def stop(self) -> None:
        """The step is done: the sign goes away."""
        self._stopped = True

    def text(self, width: int) -> str:
        """The status, cut at the edge, and the sign."""
        status = self.status
        while display_width(status) > width - 2:
            status = status[:-1]
        return self._with_sign(status)

    def last_text(self, width: int) -> str:
        """The whole status: the digest in it may be wanted."""
        return self._with_sign(self.status)

    def _with_sign(self, status: str) -> str:
        if self._stopped:
            return status
        glyph = _GLYPHS[int((self._clock() - self._start) / _INTERVAL) % len(_GLYPHS)]
        return f"{status} {glyph}" if status else f"{glyph} "


class Bar:
    """A bar over `total` bytes, with rate and remaining time while it grows."""

    def __init__(self, label: str, total: int, clock: Clock = time.monotonic) -> None:
        self.label = label
        self.total = total
        self.completed = 0
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque(maxlen=10)

    def set(self, completed: int) -> None:
        """So many bytes are done."""
        self.completed = min(completed, self.total) if self.total else completed
        now = self._clock()
        if not self._samples or now - self._samples[-1][0] >= 1:
            self._samples.append((now, self.completed))

    @property
    def finished(self) -> bool:
        """Is everything done?"""
        return self.completed >= self.total

    def rate(self) -> float:
        """Bytes a second over the last samples; 0 where there are too few."""
        if len(self._samples) < 2:
            return 0.0
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        return (last - first) / (end - start)

    def text(self, width: int) -> str:
        """Label, percentage, the bar over what room there is, and sizes."""
        percent = 100 * self.completed // self.total if self.total else 100
        before = f"{self.label} {percent:3d}% "
        after = self._after()
        room = width - display_width(before) - len(after) - 2
        filled = max(0, room) * percent // 100
        return f"{before}▕{'█' * filled}{' ' * (room - filled)}▏{after}"

    def last_text(self, width: int) -> str:
        """The same: a bar always fits."""
        return self.text(width)

    def _after(self) -> str:
        total = human_bytes(self.total)
        size = 2 * _SIZE_WIDTH + _RATE_WIDTH + _LEFT_WIDTH + 4
        if self.finished:
            return f" {total:>{_SIZE_WIDTH}}".ljust(size)
        done = f" {human_bytes(self.completed):>{_SIZE_WIDTH}}/{total:<{_SIZE_WIDTH}}"
        rate = self.rate()
        if rate <= 0:
            return done.ljust(size)
        left = remaining_time((self.total - self.completed) / rate)
        return f"{done} {human_bytes(int(rate)) + '/s':>{_RATE_WIDTH}} {left:>{_LEFT_WIDTH}}".ljust(
            size
        )


def remaining_time(seconds: float) -> str:
    """A short form of a time that is left: `5s`, `3m2s`, `1h4m`, `99h+`."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes_rest = divmod(minutes, 60)
    if hours >= 100:
        return "99h+"
    if hours:
        return f"{hours}h{minutes_rest}m"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


class Progress:
    """The display. A context manager: at its end the last picture stays, or is cleared away."""

    def __init__(self, *, clear: bool = False, stream: TextIO | None = None) -> None:
        self._clear = clear
        self._stream = stream or sys.stderr
        self._lines: list[Line] = []
        self._shown = 0
        self._spinner: Spinner | None = None
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def spin(self, status: str) -> Spinner:
        """Add a status; the one before it is done."""
        spinner = Spinner(status)
        with self._lock:
            self._end_step()
            self._lines.append(spinner)
            self._spinner = spinner
        return spinner

    def add_spinner(self, status: str) -> Spinner:
        """Add a status beside the others, which its owner stops."""
        spinner = Spinner(status)
        with self._lock:
            self._end_step()
            self._lines.append(spinner)
        return spinner

    def bar(self, label: str, total: int) -> Bar:
        """Add a bar; the status before it is done."""
        bar = Bar(label, total)
        with self._lock:
            self._end_step()
            self._lines.append(bar)
        return bar

    def stop(self) -> None:
        """Draw the last picture, or clear it away. Idempotent."""
        if self._done.is_set():
            return
        self._done.set()
        self._thread.join()
        with self._lock:
            self._end_step()
            self._draw(last=not self._clear)
            if self._clear:
                self._stream.write(_UP.join([_ERASE_LINE + _LINE_START] * max(1, self._shown)))
            else:
                self._stream.write("\n")
            self._stream.flush()

    def _end_step(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None

    def _tick(self) -> None:
        while not self._done.wait(_INTERVAL):
            with self._lock:
                self._draw()

    def _draw(self, *, last: bool = False) -> None:
        width, height = screen_size(self._stream)
        shown = self._lines[-height:]
        texts = [line.last_text(width) if last else line.text(width) for line in shown]
        lines = [text + _ERASE_RIGHT for text in texts]
        up = _UP * (self._shown - 1)
        self._stream.write(f"{_BEGIN}{up}{_LINE_START}{chr(10).join(lines)}{_END}")
        self._stream.flush()
        self._shown = len(lines)


def screen_size(stream: TextIO) -> tuple[int, int]:
    """Columns and rows of the terminal behind `stream`; 80 by 24 where there is none."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24
