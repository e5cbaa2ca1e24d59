"""How fast a file comes from a server: one that dribbles would hold a run for days."""

from dataclasses import dataclass

from biqa_cli.errors import ImageError

LEAST_BYTES = 1 << 20
"""That come while a file is waited for as long as for a photo."""


@dataclass(slots=True)
class Pace:
    """Counts what comes of a file, and the time that it is waited for.

    Time in which nobody reads does not count.
    """

    seconds: float
    """In which `LEAST_BYTES` come."""
    came: int = 0
    waited: float = 0.0

    def note(self, size: int, waited: float) -> None:
        """Count what has come.

        Raises:
            ImageError: If it comes too slowly.
        """
        self.came += size
        self.waited += waited
        if self.waited < self.seconds:
            return
        if self.came < LEAST_BYTES * self.waited / self.seconds:
            raise ImageError("cannot be fetched: the server is too slow")
        self.came, self.waited = 0, 0.0
