"""A model for other machines: what to load, and the files that they may not have.

Each node gets each file once, and verifies it: a listed file has the sha256 of weights.toml, and
weights of one's own that of the file that was shipped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock

from biqa_cli import __version__
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.base import EngineName, Precision
from biqa_cli.models.catalog import names_a_file
from biqa_cli.models.engines import EngineChoice
from biqa_cli.models.graphs import own_graph
from biqa_cli.models.loading import LoadedModel, load_model, specification
from biqa_cli.models.spec import ModelSpec
from biqa_cli.weights.cache import cache_folder, locate, sha256_of
from biqa_cli.weights.manifest import load_manifest
from biqa_cli.whole_files import write_whole

_ENGINES: dict[EngineName, EngineChoice] = {"onnx": "onnx", "openvino": "auto", "torch": "torch"}
"""What `load_model` is asked for to get an engine; OpenVINO is chosen by the precision."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """What another process needs to load the model of this one; it can be pickled."""

    name: str
    engine: EngineChoice
    device: str
    threads: int
    weights: str | None
    """The file of one's own weights among `files`; None for those that are listed."""
    sha256: str
    """Of the weights that this process has loaded."""
    precision: Precision = "float32"
    version: str = __version__
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """By name, what a node may not have: the installed package brings the light models."""

    def without_files(self) -> "Shipment":
        """Return the rest, for what carries files in its own way."""
        return replace(self, files={})

    def load(self, files: Mapping[str, bytes] | None = None) -> LoadedModel:
        """Return the model, in another process.

        Args:
            files: In place of those of the shipment.

        Raises:
            UsageError: If another version of biqa is installed there.
            WeightsError: If the weights are not those that were shipped.
        """
        if self.version != __version__:
            msg = f"a worker has biqa {__version__}, and this is {self.version}: install the same"
            raise UsageError(msg)
        own = self._unpack(self.files if files is None else files)
        model = load_model(
            self.name if own is None else own,
            engine=self.engine,
            device=self.device,
            threads=self.threads,
            offline=True,
            precision=self.precision,
        )
        if model.weights_sha256 != self.sha256:
            msg = f"a worker has other weights of {self.name}: install the same version of biqa"
            raise WeightsError(msg)
        # Rows say what the user has named.
        return replace(model, spec=replace(model.spec, name=self.name))

    def _unpack(self, files: Mapping[str, bytes]) -> Path | None:
        """Write the files that are not here; return where one's own weights lie."""
        listed = {file.file: file for one in load_manifest().checkpoints for file in one.files}
        own = cache_folder() / "shipped" / self.sha256[:16]
        for name, content in files.items():
            is_listed = name in listed and name != self.weights
            if is_listed and locate(listed[name]) is not None:
                continue
            target = (cache_folder() if is_listed else own) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{target}.lock"):
                if not target.is_file() or (name == self.weights and not self._is_here(target)):
                    write_whole(target, content)
        return None if self.weights is None else own / self.weights

    def _is_here(self, weights: Path) -> bool:
        return sha256_of(weights) == self.sha256


def ship(model: LoadedModel, *, device: str = "cpu", threads: int = 1) -> Shipment:
    """Return what other processes need to load a model that is loaded here.

    On the CPU they use its engine and its precision; elsewhere PyTorch, in float32.

    Args:
        model: From `load_model`.
        device: As of `load_model`, there.
        threads: As of `load_model`, there.

    Raises:
        UsageError: If it corrects a model whose file lies in another folder.
    """
    name = model.spec.name
    paths = _own_files(model.spec) if names_a_file(name) else _listed_files(name)
    return Shipment(
        name,
        _ENGINES[model.engine.name] if device == "cpu" else "torch",
        device,
        threads,
        Path(name).name if names_a_file(name) else None,
        model.weights_sha256,
        model.precision if device == "cpu" else "float32",
        files={path.name: path.read_bytes() for path in paths},
    )


def _listed_files(name: str) -> list[Path]:
    """Return the listed files of a model that do not come with the package."""
    checkpoint = load_manifest().find(name)
    found = [] if checkpoint is None else [locate(file) for file in checkpoint.files]
    package = Path(__file__).resolve().parent
    return [path for path in found if path is not None and not path.is_relative_to(package)]


def _own_files(spec: ModelSpec) -> list[Path]:
    """Return a file of one's own weights, the graph beside it, and those of what it corrects."""
    path = Path(spec.name)
    if not spec.base:
        graph = own_graph(path, spec)
        return [path, graph] if graph.is_file() else [path]
    if not names_a_file(spec.base):
        return [path, *_listed_files(spec.base)]
    if Path(spec.base).resolve().parent != path.resolve().parent:
        msg = f"{path} corrects {spec.base}, which lies in another folder: put both into one"
        raise UsageError(msg)
    return [path, *_own_files(specification(spec.base))]
