"""Loads mutations of a file of weights: each must be refused, in one line, soon, in little memory.

    python tools/fuzz/weights.py --count 100 --seed 0

Every mutation makes the file wrong in a way that can be told: a number that became another number
cannot, in a file that no manifest lists.
"""

import argparse
import copy
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biqa_cli.weights.cache import locate
from biqa_cli.weights.manifest import load_manifest

MODEL = "reqa-lite"
MOST_MEGABYTES, MOST_SECONDS = 1000, 60

_LOAD = """
import json, resource, sys, traceback
from biqa_cli.errors import WeightsError
from biqa_cli.models.loading import load_model
try:
    load_model(sys.argv[1], device="cpu")
    outcome = "loaded"
except WeightsError as error:
    outcome = "refused" if len(str(error).splitlines()) == 1 else "many lines"
except BaseException:
    outcome = traceback.format_exc()
print(json.dumps([outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""
_JUNK: tuple[Any, ...] = ([], {}, "x", True, float("nan"), float("inf"))
_FREE_TEXTS = ("meaning", "dataset")


@dataclass
class Weights:
    """A safetensors file in its parts."""

    header: dict[str, Any]
    data: bytearray

    @property
    def names(self) -> list[str]:
        """The names of its tensors, without scales."""
        return [n for n in self.header if n != "__metadata__" and not n.endswith(".scale")]

    def content(self) -> bytes:
        """Return the file."""
        text = json.dumps(self.header).encode()
        return len(text).to_bytes(8, "little") + text + self.data


@dataclass(frozen=True)
class Outcome:
    """What became of one mutation."""

    kind: str
    told: str
    """"refused" is right; "loaded", "hung" and a traceback are faults."""
    megabytes: int

    @property
    def is_right(self) -> bool:
        """Whether it was refused within the bounds."""
        return self.told == "refused" and self.megabytes < MOST_MEGABYTES


def read_good() -> Weights:
    """Return the listed weights in their parts."""
    checkpoint = load_manifest().find(MODEL)
    path = None if checkpoint is None else locate(checkpoint.weights)
    assert path is not None, f"{MODEL} is in the package"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return Weights(json.loads(content[8 : 8 + length]), bytearray(content[8 + length :]))


def _cut(weights: Weights, rng: random.Random) -> bytes:
    content = weights.content()
    return content[: rng.randrange(len(content))]


def _longer(weights: Weights, rng: random.Random) -> bytes:
    return weights.content() + rng.randbytes(rng.randint(1, 5000))


def _other_length(weights: Weights, rng: random.Random) -> bytes:
    return (
        rng.getrandbits(rng.choice((1, 8, 16, 24, 32, 64))).to_bytes(8, "little")
        + (weights.content()[8:])
    )


def _noise(weights: Weights, rng: random.Random) -> bytes:
    return rng.randbytes(len(weights.content()) // 4)


def _zeros(weights: Weights, rng: random.Random) -> bytes:
    return bytes(rng.randrange(len(weights.content())))


def _torn_header(weights: Weights, rng: random.Random) -> bytes:
    content = bytearray(weights.content())
    at = rng.randrange(8, 30_000)
    content[at : at + 16] = b"\xff" * 16
    return bytes(content)


def _without_tensor(weights: Weights, rng: random.Random) -> bytes:
    del weights.header[rng.choice(weights.names)]
    return weights.content()


def _renamed(weights: Weights, rng: random.Random) -> bytes:
    name = rng.choice(weights.names)
    weights.header[name + rng.choice(("_", "\0", "\n", "é"))] = weights.header.pop(name)
    return weights.content()


def _twice(weights: Weights, rng: random.Random) -> bytes:
    name = rng.choice(weights.names)
    text = json.dumps(weights.header)
    text = f"{{{json.dumps(name)}: {json.dumps(weights.header[name])}, {text[1:]}"
    return len(text).to_bytes(8, "little") + text.encode() + weights.data


def _entry(weights: Weights, rng: random.Random) -> bytes:
    entry = weights.header[rng.choice(weights.names)]
    entry[rng.choice(("dtype", "shape", "data_offsets"))] = rng.choice(
        (None, "F31", "BF16", "I32", -1, [], [-1], [2**62, 2**62], [0, 2**62], {}, "x" * 1000)
    )
    return weights.content()


def _other_shape(weights: Weights, rng: random.Random) -> bytes:
    entry = weights.header[rng.choice(weights.names)]
    entry["shape"] = [*entry["shape"], 1]
    return weights.content()


def _other_type(weights: Weights, rng: random.Random) -> bytes:
    several = [n for n in weights.names if weights.header[n]["dtype"] == "F32"]
    weights.header[rng.choice(several)]["dtype"] = "I32"
    return weights.content()


def _shared_bytes(weights: Weights, rng: random.Random) -> bytes:
    vectors: dict[tuple[int, ...], list[str]] = {}
    for name in weights.names:
        if weights.header[name]["dtype"] == "F32":
            vectors.setdefault(tuple(weights.header[name]["shape"]), []).append(name)
    first, second = rng.sample(rng.choice([n for n in vectors.values() if len(n) > 1]), 2)
    weights.header[first]["data_offsets"] = weights.header[second]["data_offsets"]
    return weights.content()


def _not_finite(weights: Weights, rng: random.Random) -> bytes:
    several = [n for n in weights.names if weights.header[n]["dtype"] == "F32"]
    start, _ = weights.header[rng.choice(several)]["data_offsets"]
    weights.data[start : start + 4] = rng.choice(
        (b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\0\0\x80\xff")
    )
    return weights.content()


def _scale(weights: Weights, rng: random.Random) -> bytes:
    name = rng.choice([name for name in weights.header if name.endswith(".scale")])
    start, _ = weights.header[name]["data_offsets"]
    # Beyond float32 once it is multiplied, below zero, not a number.
    weights.data[start : start + 4] = rng.choice(
        (b"\xff\xff\x7f\xff", b"\0\0\x80\xbf", b"\xff" * 4)
    )
    return weights.content()


def _declared(weights: Weights, rng: random.Random) -> bytes:
    told = json.loads(weights.header["__metadata__"]["biqa"])
    record, name = told, rng.choice(list(told))
    while isinstance(record[name], dict) and rng.random() < 0.8:
        record = record[name]
        name = rng.choice(list(record))
    junk = [
        value
        for value in _JUNK
        if not (isinstance(value, bool) and isinstance(record[name], bool))
        and not (isinstance(value, str) and name in _FREE_TEXTS)
    ]
    record[name] = rng.choice(junk)
    # Of options those that are missing have their defaults.
    if record[name] == {} and name == "options":
        record[name] = {"speed": 1}
    weights.header["__metadata__"]["biqa"] = json.dumps(told)
    return weights.content()


def _metadata(weights: Weights, rng: random.Random) -> bytes:
    weights.header["__metadata__"] = rng.choice(
        (None, 3, [], {"biqa": 3}, {"biqa": ""}, {"biqa": "[" * 5000}, {"biqa": "{}"})
    )
    return weights.content()


MUTATIONS: dict[str, Callable[[Weights, random.Random], bytes]] = {
    "cut": _cut,
    "longer": _longer,
    "another length of the header": _other_length,
    "noise": _noise,
    "zeros": _zeros,
    "a torn header": _torn_header,
    "a tensor is missing": _without_tensor,
    "a tensor is renamed": _renamed,
    "a name stands there twice": _twice,
    "a wrong entry": _entry,
    "another shape": _other_shape,
    "another type": _other_type,
    "two tensors share their bytes": _shared_bytes,
    "not finite": _not_finite,
    "a wrong scale": _scale,
    "a wrong field of the declaration": _declared,
    "wrong metadata": _metadata,
}


def _special(kind: str, path: Path) -> None:
    """Put what is no regular file, or far too large, at a path."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "sparse":
        size = 300 * 2**30
        header = {"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}
        text = json.dumps(header).encode()
        with path.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + size)


SPECIAL = ("pipe", "folder", "device", "circle", "sparse")


def load_one(kind: str, path: Path) -> Outcome:
    """Load a file in a process of its own."""
    try:
        done = subprocess.run(  # noqa: S603  Python itself
            [sys.executable, "-c", _LOAD, str(path)],
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        told, megabytes = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Outcome(kind, "hung", 0)
    except ValueError:
        return Outcome(kind, f"died: {done.stderr[-500:]}", 0)
    return Outcome(kind, told, megabytes)


def fuzz(count: int, *, seed: int, folder: Path) -> list[Outcome]:
    """Return what became of the special files, then of the mutations of the table in turn."""
    good = read_good()
    kinds = list(MUTATIONS)
    outcomes = []
    for number in range(count):
        path = folder / f"{number}.safetensors"
        if number < len(SPECIAL):
            kind = SPECIAL[number]
            _special(kind, path)
        else:
            kind = kinds[number % len(kinds)]
            rng = random.Random(seed * 1_000_003 + number)  # noqa: S311  no secret
            path.write_bytes(MUTATIONS[kind](copy.deepcopy(good), rng))
        outcomes.append(load_one(kind, path))
        if outcomes[-1].is_right and not path.is_dir():
            path.unlink()
    return outcomes


def main() -> None:
    """Print how many mutations ended how; what went wrong stays on disk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="biqa-fuzz-"))
    outcomes = fuzz(given.count, seed=given.seed, folder=folder)
    wrong = [(number, outcome) for number, outcome in enumerate(outcomes) if not outcome.is_right]
    for number, outcome in wrong:
        print(f"{folder}/{number}.safetensors  {outcome.kind}: {outcome.told}")
    print(Counter("right" if outcome.is_right else "WRONG" for outcome in outcomes))
    print(f"{max(outcome.megabytes for outcome in outcomes)} MB at most")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
