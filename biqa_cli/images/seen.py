"""Which files were met already: a set of hashes that takes 16 to 32 bytes for each."""

from array import array

_FEWEST_SLOTS = 1 << 10
_BITS = (1 << 64) - 1


class Seen:
    """A set of names that is only asked whether one is new.

    Of each name a hash of 64 bits is kept: a set of Python's would take 200 bytes, and among fifty
    million names the chance that any two share a hash is 1 in 15,000.
    """

    def __init__(self) -> None:
        # Open addressing: 0 is a free slot.
        self._slots = array("Q", bytes(8 * _FEWEST_SLOTS))
        self._taken = 0

    def add(self, name: str | bytes) -> bool:
        """Add a name, and return whether it is new."""
        if 2 * self._taken >= len(self._slots):
            self._grow()
        is_new = self._put(hash(name) & _BITS or 1)
        self._taken += is_new
        return is_new

    def has(self, name: str | bytes) -> bool:
        """Return whether a name was added."""
        value, last = hash(name) & _BITS or 1, len(self._slots) - 1
        at = value & last
        while self._slots[at]:
            if self._slots[at] == value:
                return True
            at = (at + 1) & last
        return False

    def _put(self, value: int) -> bool:
        slots = self._slots
        last = len(slots) - 1
        at = value & last
        while slots[at]:
            if slots[at] == value:
                return False
            at = (at + 1) & last
        slots[at] = value
        return True

    def _grow(self) -> None:
        before = self._slots
        self._slots = array("Q", bytes(8 * 2 * len(before)))
        for value in before:
            if value:
                self._put(value)
