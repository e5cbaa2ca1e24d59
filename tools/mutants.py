"""Break the code in small ways, one at a time, and see whether the tests of its room notice.

Run:  python tools/mutants.py --output mutants.json
      python tools/mutants.py --rooms metrics blocks --sample 40

Cosmic Ray makes the mutants, on a copy of the tree. Survivors are printed as diffs: each is a test
that is missing, or code that does not matter. The latter are in ACCEPTED, with the reason.
"""

import argparse
import ast
import difflib
import json
import os
import random
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import TestOutcome

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Room:
    """A part of the package and the tests that should notice its mutants, in seconds."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """Modules whose tests take minutes, and tests that take long: they are run all the same for
    the module that they are named for."""


ROOMS = {
    "metrics": Room(("biqa_cli/metrics",), ("tests/metrics",)),
    "evaluation": Room(
        ("biqa_cli/evaluation",), ("tests/evaluation", "tests/cli/test_evaluate.py")
    ),
    "images": Room(("biqa_cli/images",), ("tests/images",), ("tests/images/test_memory.py",)),
    "weights": Room(("biqa_cli/weights",), ("tests/weights",)),
    "loading": Room(
        ("biqa_cli/models",),
        ("tests/models", "tests/cli/test_tune.py"),
        (
            "biqa_cli/models/onnx_export.py",
            "biqa_cli/models/onnx_graphs.py",
            "biqa_cli/models/starting_weights.py",
            "tests/models/test_onnx_export.py",
            "tests/models/test_catalog.py",
            "tests/models/test_starting_weights.py",
        ),
    ),
    "scoring": Room(
        (
            "biqa_cli/scoring.py",
            "biqa_cli/known.py",
            "biqa_cli/models/views.py",
            "biqa_cli/outcomes.py",
            "biqa_cli/threads.py",
            "biqa_cli/explain",
        ),
        (
            "tests/test_scoring.py",
            "tests/test_threads.py",
            "tests/test_full_size_scoring.py",
            "tests/explain",
            "tests/store/test_known_scores.py",
        ),
    ),
    "training": Room(
        ("biqa_cli/training", "biqa_cli/recipes"),
        ("tests/training", "tests/recipes"),
        (
            "tests/training/test_freezing.py",
            "tests/training/test_log.py",
            "tests/training/test_run.py",
            "tests/training/test_summary.py",
        ),
    ),
    # Only where they are asked for.
    "blocks": Room(("biqa_cli/blocks",), ("tests/blocks",)),
    "distortions": Room(("biqa_cli/distortions",), ("tests/distortions",)),
    "networks": Room(("biqa_cli/networks",), ("tests/networks",)),
}
USUAL = ("metrics", "evaluation", "images", "weights", "loading", "scoring", "training")
# Survivors that no test should notice: the module, what the mutant has there, and why. A number
# that Cosmic Ray puts in is often preceded by a space that ruff would not leave.
_PICTURES = ("plots.py", "plots_of_tools.py")
_LOOKS = ("alpha= ", "linewidths= ", "fontsize= ", "labelsize= ", " s= ", "lw= ", "pad", '"o"')
ACCEPTED = (
    *(
        (f"biqa_cli/evaluation/{module}", text, "a matter of looks")
        for module in _PICTURES
        for text in _LOOKS
    ),
    ("biqa_cli/explain/quarters.py", "_AT_ONCE = ", "how many blocks are read at once"),
    ("biqa_cli/explain/quarters.py", "2, - 2)", "NumPy works out any negative side"),
    ("biqa_cli/evaluation/compare.py", "reshape(- 2, 2)", "NumPy works out any negative side"),
    ("biqa_cli/evaluation/group_tables.py", "first = max(", "a matter of looks"),
    ("biqa_cli/training/sources.py", "reshape(- 2, batch)", "NumPy works out any negative side"),
    ("biqa_cli/evaluation/drawing.py", "dpi= ", "a matter of looks"),
    ("biqa_cli/evaluation/plots.py", "size = (", "a matter of looks"),
    ("biqa_cli/evaluation/plots.py", "linspace(low, high, ", "a matter of looks"),
    ("biqa_cli/evaluation/plots.py", "(p.min(), p.max(), ", "how many points a curve has"),
    ("biqa_cli/evaluation/plots.py", "01, value),", "a matter of looks"),
    ("biqa_cli/evaluation/plots.py", "99, value),", "a matter of looks"),
    ("biqa_cli/evaluation/plots.py", 'ls="-" if', "a matter of looks"),
    ("biqa_cli/evaluation/plots_of_tools.py", "_SIZE = (", "a matter of looks"),
    ("biqa_cli/evaluation/plots_of_tools.py", "0.25 * len(kinds)", "a matter of looks"),
    ("biqa_cli/evaluation/plots_of_tools.py", "evaluations[ ", "they are of one data set"),
    ("biqa_cli/evaluation/plots_of_tools.py", "known[ ", "they are of one data set"),
    ("biqa_cli/evaluation/comparison_report.py", "verdict >= 0", "it is not 0 there"),
    ("biqa_cli/evaluation/comparison_report.py", "verdict > -1", "it is -1 or 1 there"),
    ("biqa_cli/evaluation/compare.py", "Direction = Literal[", "a type"),
    ("biqa_cli/evaluation/compare.py", "metrics[0].first / metrics[0]", "the sign is the same"),
    ("biqa_cli/evaluation/report.py", "first = repeats[ ", "they are of one model and split"),
    ("biqa_cli/evaluation/prediction_ranges.py", "matching[ -1] in", "the only one is the last"),
    ("biqa_cli/images/border.py", "( 1, height - depth", "the left strip has that corner, too"),
    ("biqa_cli/images/border.py", "most < 0", "a line of no width is refused below"),
    ("biqa_cli/images/camera_raw.py", "error.args[ -1]", "the only argument is the last"),
    ("biqa_cli/images/colour.py", "_STEPS = ", "how many colours are tried"),
    ("biqa_cli/images/colour.py", "_MAX_TAGS = ", "a limit: profiles have some twenty tags"),
    ("biqa_cli/images/colour.py", "_TAG_SIZE, _MAX_TAGS = 128, 12, ", "a limit, likewise"),
    ("biqa_cli/images/colour.py", "[at + 5 : at", "no profile has 16 MB"),
    ("biqa_cli/images/full_size.py", "_BAND_PIXELS = ", "how much is read at once"),
    ("biqa_cli/images/full_size.py", "step = max(", "how much is read at once"),
    ("biqa_cli/images/isobmff.py", "_MAX_META = ", "a limit of about 64 MB"),
    ("biqa_cli/images/jxl.py", "_EXTRA_CHANNELS: _Choices = (( ", "none, or one: both are few"),
    ("biqa_cli/images/jxl.py", "_Choices = ((0, 0), ( ", "none, or one: both are few"),
    ("biqa_cli/images/jxl.py", "_HEAD = ", "a header takes fewer bytes"),
    ("biqa_cli/images/png.py", "_MAX_BESIDE_PIXELS", "a limit of about 64 MB"),
    ("biqa_cli/images/seen.py", "self._taken >", "when a table grows changes no answer"),
    ("biqa_cli/images/seen.py", "_FEWEST_SLOTS = ", "when a table grows changes no answer"),
    ("biqa_cli/images/name_lists.py", "len(head) <= len(codecs", "a mark alone is no name"),
    ("biqa_cli/models/spec.py", "-700.0), 699.0)", "beyond 700 and beyond 699 the curve is level"),
    ("biqa_cli/images/tiff.py", "first(PHOTOMETRIC, - 2)", "no form of pixels is negative"),
    ("biqa_cli/models/calibration.py", "places.round( ", "a hundredth of a point"),
    ("biqa_cli/models/catalog.py", 'or "/" in name and', "on Linux both are the same"),
    ("biqa_cli/distortions/examples.py", "integers(1 << 33)", "any seeds serve"),
    ("biqa_cli/models/graphs.py", "hexdigest()[: ", "how long a name is"),
    ("biqa_cli/models/graphs.py", "_FORMAT = ", "another number makes all graphs anew"),
    ("biqa_cli/models/spec.py", "- 701.0), 700.0)", "beyond 700 and beyond 701 the curve is level"),
    ("biqa_cli/models/spec.py", "-700.0), 701.0)", "beyond 700 and beyond 701 the curve is level"),
    ("biqa_cli/training/features.py", "hexdigest()[: ", "how long a name is"),
    ("biqa_cli/training/features.py", "_VERSION = ", "another number makes all features anew"),
    ("biqa_cli/training/job.py", "_AT_ONCE = ", "how many views are read at once"),
    ("biqa_cli/training/log.py", "subplots(1, 3", "a matter of looks"),
    ("biqa_cli/training/validation.py", "predicted[ ", "all are the same there"),
    ("biqa_cli/training/validation.py", "ahead=2 / ", "how far threads are ahead"),
    ("biqa_cli/evaluation/foreign_tables.py", "others[ -1] if len", "the only other is the last"),
    ("biqa_cli/evaluation/predictions.py", "whole <= len(content)", "cuts nothing off"),
    ("biqa_cli/evaluation/report.py", "None and ends[1]", "both ends are defined, or neither"),
    ("biqa_cli/evaluation/report.py", "records[ -1] if", "the only record is the last"),
    ("biqa_cli/images/full_size.py", "shape[: 3] == ", "the same pixels, picked one by one"),
    ("biqa_cli/images/jpeg.py", "len(body) < 7", "without components it is refused either way"),
    ("biqa_cli/images/png.py", "_COLOURS or size", "what is kept of other chunks is not looked up"),
    (
        "biqa_cli/metrics/mapping.py",
        "left <= _LEAST_GAIN",
        "no two sums of squares differ by just that",
    ),
    ("biqa_cli/metrics/logistic.py", "x @ y <= 0", "without correlation both starts are good"),
    ("biqa_cli/models/fields.py", "LARGEST = ", "far beyond what a fit has reached"),
    ("biqa_cli/models/declared.py", " / LARGEST", "far beyond what a fit has reached"),
    ("biqa_cli/models/onnx_engine.py", "[: 299]", "a letter less of a message"),
    ("biqa_cli/models/onnx_engine.py", "[: 301]", "a letter more of a message"),
    ("biqa_cli/images/border.py", "_strips(image, 2)", "the first of two lines tells"),
    ("biqa_cli/images/capture_time.py", "_HEAD = ", "how much of a raw file is read at once"),
    ("biqa_cli/images/discovery.py", "lru_cache(maxsize= ", "how many folders are remembered"),
    ("biqa_cli/images/jpeg.py", "_BLOCK = ", "how much is read at once"),
    ("biqa_cli/images/png.py", "_PIECE = ", "how much is read at once"),
    (
        "biqa_cli/images/tiff_tags.py",
        "_MAX_VALUES = ",
        "a limit of 4 MB, beyond any tag that is read",
    ),
    ("biqa_cli/images/view_store.py", "_AT_ONCE = ", "how many are written at once"),
    ("biqa_cli/images/pixels.py", "_BAND_PIXELS = ", "less at once; test_pixels.py notices more"),
    ("biqa_cli/models/engines.py", "[0][: ", "a letter more or less of a message"),
    ("biqa_cli/distortions/examples.py", "_MARGIN = ", "a size, wider than any blur"),
    ("biqa_cli/models/engines.py", "(contract))[ -1])", "the only view is the last"),
    ("biqa_cli/models/spec.py", "- 699.0), 700.0)", "beyond 700 and beyond 699 the curve is level"),
    ("biqa_cli/outcomes.py", "not None or kept is not", "both are there, or neither"),
    ("biqa_cli/threads.py", "_MOST_ARRIVED = 1025", "how many names wait changes no score"),
    ("biqa_cli/weights/cache.py", "_CHUNK = ", "the size of a chunk changes no content"),
    ("biqa_cli/weights/download.py", "_CHUNK = ", "the size of a chunk changes no content"),
    ("biqa_cli/weights/transfer.py", "_CHUNK = ", "the size of a chunk changes no content"),
    ("biqa_cli/weights/checkpoint.py", "(len(tensor), - 2)", "NumPy takes any number below 0 so"),
    ("biqa_cli/weights/download.py", "[: 11]}…, expected", "a digit less of a sha256 in a message"),
    ("biqa_cli/weights/header.py", "_HEADER_BYTES = ", "a limit of about 8 MB"),
    ("biqa_cli/weights/header.py", "_MOST_DIMENSIONS = ", "a limit: tensors have four at most"),
    ("biqa_cli/weights/transfer.py", "seconds >= _PATIENCE", "no clock says so exactly"),
    ("biqa_cli/weights/transfer.py", "_PATIENCE_SECONDS * 4", "how often a watchdog looks"),
    ("biqa_cli/weights/transfer.py", "wait( -0.9)", "how often a watchdog looks"),
    ("biqa_cli/weights/transfer.py", "_fed >= _PATIENCE", "two readings of the clock differ"),
    ("biqa_cli/weights/transfer.py", "_SECOND = 4097", "a rate of about 4 kB a second"),
    ("biqa_cli/metrics/mapping.py", "(slope) or math", "an infinite slope has a nan beside it"),
    ("biqa_cli/training/summary.py", "best_row and None", "test_run.py, left out, notices"),
)
# Of Cosmic Ray's operators those that leave code which runs: most of the others end in a TypeError
# that any test notices, or change nothing (`==` to `is`).
OPERATORS = (
    *("NumberReplacer", "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("ReplaceAndWithOr", "ReplaceOrWithAnd", "ZeroIterationForLoop"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak"),
    *("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Invert"),
    *("ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add"),
    *("ReplaceBinaryOperator_Mul_Div", "ReplaceBinaryOperator_Div_Mul"),
    *("ReplaceBinaryOperator_FloorDiv_Mul", "ReplaceBinaryOperator_Mod_FloorDiv"),
    *("ReplaceBinaryOperator_Pow_Mul", "ReplaceBinaryOperator_BitOr_BitAnd"),
    *("ReplaceBinaryOperator_BitAnd_BitOr", "ReplaceComparisonOperator_Eq_NotEq"),
    *("ReplaceComparisonOperator_NotEq_Eq", "ReplaceComparisonOperator_Lt_LtE"),
    *("ReplaceComparisonOperator_LtE_Lt", "ReplaceComparisonOperator_Gt_GtE"),
    *("ReplaceComparisonOperator_GtE_Gt", "ReplaceComparisonOperator_Is_IsNot"),
    "ReplaceComparisonOperator_IsNot_Is",
)
# Arguments that guard or explain and change no result.
IDLE_KEYWORDS = {"strict", "frozen", "slots", "stacklevel", "repr", "compare", "exist_ok"}
IDLE_CALLS = {"debug", "info", "warning"}
# What the quick tests of a room do not notice, the slow tests named for the module may.
SLOW_SECONDS = 240
PYTEST = "-x -q -p no:randomly -p no:cacheprovider --hypothesis-profile quick"

Place = tuple[int, int]
"""A line, from 1, and a column in characters, from 0."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    room: str
    module: str
    operator: str
    occurrence: int
    line: int

    def code(self, root: Path) -> str:
        """Return the whole mutated module."""
        source = (root / self.module).read_text(encoding="utf-8")
        mutated = mutate_code(source, _operator(self.operator), self.occurrence)
        assert mutated is not None
        return mutated

    def diff(self, root: Path) -> str:
        """Return the change as a diff without context."""
        before = (root / self.module).read_text(encoding="utf-8").splitlines()
        after = self.code(root).splitlines()
        return "\n".join(difflib.unified_diff(before, after, self.module, "", n=0, lineterm=""))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests said of a mutant."""

    mutant: Mutant
    result: str
    """"killed", "survived", "timeout" or "accepted"."""
    seconds: float
    diff: str


def _operator(name: str) -> object:
    return cosmic_ray.plugins.get_operator(f"core/{name}")()


@dataclass(frozen=True, slots=True)
class Spans:
    """Where mutants make sense, from the first place to before the second."""

    idle: list[tuple[Place, Place]]
    """No change can show: annotations, decorators, words of a log."""
    binary: list[tuple[Place, Place]]
    """Between two operands: elsewhere a star is no product, but marks arguments."""

    @classmethod
    def of(cls, source: str) -> "Spans":
        """Return the spans of a module."""
        lines = source.splitlines()

        def place(line: int, bytes_before: int) -> Place:
            # ast counts bytes, Cosmic Ray counts characters.
            return line, len(lines[line - 1].encode()[:bytes_before].decode())

        def start(node: ast.AST) -> Place:
            return place(node.lineno, node.col_offset)

        def end(node: ast.AST) -> Place:
            return place(node.end_lineno, node.end_col_offset)

        nodes = list(ast.walk(ast.parse(source)))
        idle = [part for node in nodes for part in _idle_parts(node) if part is not None]
        return cls(
            idle=[(start(part), end(part)) for part in idle],
            binary=[(end(n.left), start(n.right)) for n in nodes if isinstance(n, ast.BinOp)],
        )

    def allow(self, operator: str, start: Place) -> bool:
        """Return whether an operator of Cosmic Ray makes sense at a place."""
        if "BinaryOperator" in operator and not _within(start, self.binary):
            return False
        return not _within(start, self.idle)


def _idle_parts(node: ast.AST) -> list[ast.AST | None]:
    parts: list[ast.AST | None]
    match node:
        case ast.FunctionDef(returns=returns, decorator_list=decorators):
            parts = [returns, *decorators]
        case ast.ClassDef(decorator_list=decorators):
            parts = [*decorators]
        case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation):
            parts = [annotation]
        case ast.keyword(arg=str(name), value=value) if name in IDLE_KEYWORDS:
            parts = [value]
        case ast.Call(func=ast.Attribute(attr=name), args=arguments) if name in IDLE_CALLS:
            parts = [*arguments]
        case ast.If(test=ast.Name(id="TYPE_CHECKING") as test):
            parts = [test]
        case _:
            parts = []
    return parts


def _within(place: Place, spans: list[tuple[Place, Place]]) -> bool:
    return any(first <= place < last for first, last in spans)


def mutants(room: str, root: Path) -> Iterator[Mutant]:
    """Yield every mutant of a room that could change a result."""
    left_out = {root / name for name in ROOMS[room].left_out}
    for file in sorted(_files(root, ROOMS[room].sources, "*.py") - left_out):
        source = file.read_text(encoding="utf-8")
        spans = Spans.of(source)
        nodes = list(ast_nodes(get_ast(source)))
        for name in OPERATORS:
            operator = _operator(name)
            found = (start for node in nodes for start, _ in operator.mutation_positions(node))
            for occurrence, start in enumerate(found):
                if spans.allow(name, start):
                    module = str(file.relative_to(root))
                    yield Mutant(room, module, name, occurrence, start[0])


def _files(root: Path, places: tuple[str, ...], pattern: str) -> set[Path]:
    """Return the files that are places, or in folders that are."""
    found: set[Path] = set()
    for place in places:
        path = root / place
        found |= set(path.rglob(pattern)) if path.is_dir() else {path}
    return found


def command(room: str, root: Path, module: str | None = None) -> str:
    """Return the tests of a room; those likeliest to notice a change of the module come first.

    First the module's examples and the tests named for it, then those that import it,
    then the shortest.
    """
    left_out = {root / name for name in ROOMS[room].left_out}
    tests = sorted(
        _files(root, ROOMS[room].tests, "test_*.py") - left_out,
        key=lambda test: test.stat().st_size,
    )
    if module is not None:
        package, _, name = module.removesuffix(".py").replace("/", ".").rpartition(".")
        imported = re.compile(rf"from {package}\.{name} import|from {package} import .*\b{name}\b")
        named = _named_for(module, root)
        if named.is_file() and named not in tests:
            tests.append(named)
        tests.sort(key=lambda test: (test != named, not imported.search(test.read_text("utf-8"))))
        tests.insert(0, root / module)
    return _pytest(root, "not slow", tests)


def slow_command(root: Path, module: str) -> str | None:
    """Return the slow tests that are named for a module; None where there are none."""
    named = _named_for(module, root)
    has_some = named.is_file() and "mark.slow" in named.read_text("utf-8")
    return _pytest(root, "slow", [named]) if has_some else None


def _named_for(module: str, root: Path) -> Path:
    """Return the file of the tests of a module, which may not be there."""
    path = Path(module).relative_to("biqa_cli")
    return root / "tests" / path.with_name(f"test_{path.name}")


def _pytest(root: Path, marked: str, tests: list[Path]) -> str:
    return shlex.join(
        [sys.executable, "-m", "pytest", *shlex.split(PYTEST), "-m", marked]
        + [str(test.relative_to(root)) for test in tests]
    )


def accepted(module: str, diff: str) -> bool:
    """Return whether it is known why a mutant may survive."""
    added = "\n".join(line for line in diff.splitlines() if line.startswith("+"))
    return any(module == known and text in added for known, text, _ in ACCEPTED)


def tested(mutant: Mutant, root: Path, limit: float) -> Outcome:
    """Return what the tests say of a mutant; afterwards the module is as it was."""
    file, diff = root / mutant.module, mutant.diff(root)
    original, mutated = file.read_text(encoding="utf-8"), mutant.code(root)
    start = time.monotonic()
    try:
        file.write_text(mutated, encoding="utf-8")
        said, output = run_tests(command(mutant.room, root, mutant.module), limit)
        slow = slow_command(root, mutant.module)
        if said is TestOutcome.SURVIVED and slow is not None:
            said, output = run_tests(slow, SLOW_SECONDS)
    finally:
        file.write_text(original, encoding="utf-8")
    result = "timeout" if output == "timeout" else str(said.value)
    if result == "survived" and accepted(mutant.module, diff):
        result = "accepted"
    return Outcome(mutant, result, round(time.monotonic() - start, 1), diff)


def run_room(room: str, root: Path, *, count: int, seed: int) -> Iterator[Outcome]:
    """Yield the outcomes of a room's sample, once its tests pass without a mutant."""
    start = time.monotonic()
    unbroken, output = run_tests(command(room, root), None)
    if unbroken is not TestOutcome.SURVIVED:
        sys.exit(f"the tests of {room} fail without a mutant:\n{output}")
    # A machine with other work may be slower than it was just now.
    limit = 60 + 3 * (time.monotonic() - start)
    every = list(mutants(room, root))
    chosen = random.Random(f"{room} {seed}").sample(every, min(count, len(every)))  # noqa: S311  no secret
    size = f"{len(chosen)} of {len(every)} mutants"
    print(f"\n{room}: {size}, {limit:.0f} s at the most for each", flush=True)
    for mutant in sorted(chosen, key=lambda m: (m.module, m.line)):
        outcome = tested(mutant, root, limit)
        if outcome.result != "killed":
            print(f"\n{outcome.result} after {outcome.seconds:.0f} s\n{outcome.diff}", flush=True)
        yield outcome


def print_table(outcomes: list[Outcome]) -> None:
    """Print how many mutants of each room were noticed."""
    counts = Counter((outcome.mutant.room, outcome.result) for outcome in outcomes)
    results = ("killed", "survived", "timeout", "accepted")
    print(f"\n{'room':12}", *(f"{result:>9}" for result in results))
    for room in dict.fromkeys(outcome.mutant.room for outcome in outcomes):
        print(f"{room:12}", *(f"{counts[room, result]:9}" for result in results))


def main() -> None:
    """Test a sample of mutants and write what became of each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(USUAL))
    parser.add_argument("--sample", type=int, default=200, help="mutants, split over the rooms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("mutants.json"))
    given = parser.parse_args()
    given.output = given.output.resolve()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "build"))
        # The tests import the copy, whatever is installed.
        os.chdir(copy)
        os.environ["PYTHONPATH"] = str(copy)
        for number, room in enumerate(given.rooms):
            count = len(range(number, given.sample, len(given.rooms)))
            for outcome in run_room(room, copy, count=count, seed=given.seed):
                outcomes.append(outcome)
                # Written as it grows: a run may be stopped.
                given.output.write_text(json.dumps([asdict(o) for o in outcomes], indent=1) + "\n")
    print_table(outcomes)


if __name__ == "__main__":
    main()
