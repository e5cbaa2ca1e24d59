"""What one photo and all photos in flight may cost, and the clock of a photo."""

import time
from dataclasses import dataclass
from typing import IO

from biqa_cli.errors import ImageError

MAX_ASPECT = 100
"""A longer side of more than so many shorter ones is no photo: a view would show nothing of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading may cost. A photo that would cost more is an `ImageError`."""

    max_pixels: int = 200_000_000
    """Of one photo."""
    memory: int = 1_000_000_000
    """Bytes for all photos that a process decodes at one time, whatever their number."""
    seconds: float = 60.0
    """For one photo, the wait for memory not counted."""


DEFAULT_LIMITS = Limits()


def check_size(width: int, height: int, *, max_pixels: int) -> None:
    """Check the size of a photo that its header states, before anything is decoded.

    Raises:
        ImageError: If it has no pixels, too many of them, or the shape of no photo.
    """
    if width < 1 or height < 1:
        raise ImageError(f"the file is damaged: its header says {width}×{height} pixels")
    if width * height > max_pixels:
        msg = (
            f"{width}×{height} is {width * height / 1e6:.0f} megapixels, over the limit of "
            f"{max_pixels / 1e6:g}: raise it with --max-megapixels"
        )
        raise ImageError(msg)
    if max(width, height) > MAX_ASPECT * min(width, height):
        msg = f"{width}×{height}: a side more than {MAX_ASPECT} times the other is no photo"
        raise ImageError(msg)


class Clock:
    """The time that one photo takes.

    A decoder written in C is not interrupted: the clock is looked at whenever one asks for more of
    the file, and between two steps.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def extend(self, seconds: float) -> None:
        """Grant more time: the photo has waited for others."""
        self._end += seconds

    def check(self) -> None:
        """Raise ImageError if the time is over."""
        if time.monotonic() > self._end:
            msg = (
                f"took longer than {self.seconds:g} s to decode: raise the limit with "
                "--seconds-per-photo"
            )
            raise ImageError(msg)


class TimedFile:
    """A file that stops to be read when the time of its photo is over."""

    def __init__(self, file: IO[bytes], clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self.seek = file.seek
        self.tell = file.tell
        self.close = file.close

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes.

        Raises:
            ImageError: If the time is over.
        """
        self._clock.check()
        return self._file.read(size)
