"""What `biqa heatmap` writes of a photo, and the files that it writes to."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biqa_cli.cli import _output
from biqa_cli.cli._output import STDOUT
from biqa_cli.cli._targets import targets
from biqa_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Explanation:
    """One photo, ready to be written."""

    picture: "Image.Image"
    facts: dict[str, Any]
    values: "NDArray[np.float32]"
    told: str = ""
    """What it shows, in a line."""

    def png(self) -> bytes:
        """Return the picture as a file."""
        file = BytesIO()
        self.picture.save(file, "PNG")
        return file.getvalue()

    def json(self) -> bytes:
        """Return the facts as a document."""
        return (json.dumps(self.facts, indent=1) + "\n").encode()

    def npy(self) -> bytes:
        """Return the values as NumPy stores them."""
        import numpy as np

        file = BytesIO()
        np.save(file, self.values)
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that are written, one of each sort for each photo."""

    files: tuple[tuple[Sequence[Path], Callable[[Explanation], bytes]], ...]
    json_on_stdout: bool

    def write_all(
        self,
        photos: Iterable[tuple[str, str | bytes]],
        explain: Callable[[str | bytes], Explanation],
        *,
        quiet: bool,
    ) -> int:
        """Write what is shown of each photo, and return how many could not be explained.

        Args:
            photos: Their names, and names again or what is in them.
            explain: Makes what is shown.
            quiet: Whether only failures are told.
        """
        from biqa_cli.scoring import reason_of

        failed = 0
        for index, (name, source) in enumerate(photos):
            try:
                shown = explain(source)
            except Exception as error:  # noqa: BLE001  one photo never ends the others
                _output.problem(f"{name}: {reason_of(name, error)}")
                failed += 1
                continue
            # What is on standard input came without a name.
            shown = replace(shown, facts={**shown.facts, "image": name})
            if (note := shown.facts["note"]) and not quiet:
                _output.say(f"{name}: {note}")
            written = list(self._write(index, shown))
            if not quiet:
                if shown.told:
                    _output.say(f"{name}: {shown.told}")
                for path in written:
                    _output.say(f"wrote {path}")
        return failed

    def _write(self, index: int, shown: Explanation) -> Iterator[Path]:
        if self.json_on_stdout:
            _output.print_json(shown.facts)
        for paths, content in self.files:
            _output.write_file(paths[index], content(shown))
            if paths[index] != STDOUT:
                yield paths[index]


def choose_outputs(
    photos: Sequence[str], *, tag: str, png: Path | None, json: Path | None, npy: Path | None
) -> Outputs:
    """Return where the explanations of photos go; pictures into this folder if nothing is asked.

    Args:
        photos: Their names.
        tag: As in `targets`.
        png: A file, a folder or STDOUT for pictures.
        json: For documents; STDOUT takes those of several photos.
        npy: For maps.

    Raises:
        UsageError: As `targets`, or if two are STDOUT.
    """
    if (png, json, npy).count(STDOUT) > 1:
        raise UsageError("only one of -o, --json and --npy can be standard output")
    if png is None and json is None and npy is None:
        png = Path()
    on_stdout = json == STDOUT
    asked = (
        (png, ".png", Explanation.png),
        (None if on_stdout else json, ".json", Explanation.json),
        (npy, ".npy", Explanation.npy),
    )
    files = tuple(
        (targets(photos, wanted, suffix=suffix, tag=tag), content)
        for wanted, suffix, content in asked
        if wanted is not None
    )
    return Outputs(files, json_on_stdout=on_stdout)
