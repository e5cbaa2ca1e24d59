"""What C decoders print is kept from standard error; what Python prints there is not."""

import logging
import os
import sys
import warnings


def silence_decoders() -> None:
    """Send what native code prints to standard error to nowhere, for the rest of the process.

    libtiff, LibRaw and others write lines of their own to file descriptor 2 for a damaged file,
    whose error row says all. Python's own `sys.stderr` goes on to where it went, over a descriptor
    of its own. To switch the descriptor for each photo would not do: threads share it. So this is
    for a program to call once, at its start and before threads; a library must not.

    Pillow's warnings of damaged metadata are ignored for the same reason, and what it logs is
    printed only where logging has been set up.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        kept = os.dup(2)
    except OSError:
        # Standard error is closed: there is nothing to protect.
        return
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    encoding, errors = sys.stderr.encoding, sys.stderr.errors
    sys.stderr = os.fdopen(
        kept, "w", buffering=1, encoding=encoding, errors=errors or "backslashreplace"
    )
