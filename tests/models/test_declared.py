"""What a header declares is checked field by field: nothing strange reaches a score."""

import base64
import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from biqa_cli.datasets.learnt import MOST_HASHES, Learnt
from biqa_cli.errors import WeightsError
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import Calibration, Crops, FullSize, InputContract, ScoreScale
from biqa_cli.models.trained import TrainedNetwork, read_trained, trained_of
from biqa_cli.weights.header import Header

TRAINED = TrainedNetwork(
    family="reqa",
    backbones=("efficientnet-lite0",),
    options=with_defaults("reqa", {"steps": 4, "input_size": 224}),
    input=InputContract(
        448, 320, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), crops=Crops(size=224, stride=96)
    ),
    scale=ScoreScale(
        1.0,
        5.0,
        higher_is_better=False,
        meaning="DMOS",
        calibration=Calibration((110, -8, 54, 27), (30.0, 60.0), (9.0, 8.0), photos=200),
    ),
    dataset="csv:mine.csv",
    learnt=Learnt(frozenset({b"8 bytes.", b"and more"}), frozenset(), ("reqa-lite",)),
)
PLAIN: dict[str, Any] = json.loads(TRAINED.to_metadata()["biqa"])


def _packed(hashes: bytes) -> str:
    return base64.b64encode(hashes).decode()


def _read(content: object) -> TrainedNetwork | None:
    return trained_of(Header({}, {"biqa": json.dumps(content)}, 0), source="own.safetensors")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    save_file({"w": np.zeros(1, np.float32)}, tmp_path / "w", metadata=TRAINED.to_metadata())
    assert read_trained(tmp_path / "w") == TRAINED


def test_what_was_learnt_is_short_and_the_same_each_time(tmp_path: Path) -> None:
    photos = [number.to_bytes(8, "big") for number in range(10_000)]
    files: list[bytes] = []
    for order in (photos, photos[::-1]):
        trained = replace(TRAINED, learnt=Learnt(frozenset(order)))
        file = tmp_path / str(len(files))
        save_file({"w": np.zeros(1, np.float32)}, file, metadata=trained.to_metadata())
        assert read_trained(file) == trained
        files.append(file.read_bytes())
    assert files[0] == files[1] and len(files[0]) < 110_000


def test_files_of_earlier_versions_do_not_say_what_they_learnt_from() -> None:
    trained = _read({name: value for name, value in PLAIN.items() if name != "learnt"})
    assert trained == replace(TRAINED, learnt=None)
    assert "learnt" not in json.loads(trained.to_metadata()["biqa"])


@pytest.mark.slow
def test_as_many_hashes_as_may_be_fit_into_a_header_and_no_more(tmp_path: Path) -> None:
    photos = [number.to_bytes(8, "big") for number in range(MOST_HASHES + 1)]
    trained = replace(TRAINED, learnt=Learnt(frozenset(photos[1:])))
    save_file({"w": np.zeros(1, np.float32)}, tmp_path / "w", metadata=trained.to_metadata())
    assert read_trained(tmp_path / "w") == trained
    too_many = copy.deepcopy(PLAIN)
    too_many["learnt"]["photos"] = _packed(b"".join(photos))
    with pytest.raises(WeightsError, match="600001 photos and 0 references are more than"):
        _read(too_many)


def test_a_file_that_says_nothing_of_itself_says_nothing(tmp_path: Path) -> None:
    save_file({"w": np.zeros(1, np.float32)}, tmp_path / "w", metadata={"format": "pt"})
    assert read_trained(tmp_path / "w") is None


WRONG: list[tuple[str, Any, str]] = [
    ("family", "brisque", "there is no family 'brisque'"),
    ("family", ["reqa"], "there is no family"),
    ("backbones", ["resnet18"], "there is no backbone 'resnet18'"),
    ("backbones", [], "reqa has 1 backbones, not 0"),
    ("backbones", "resnet50", "backbones cannot be 'resnet50'"),
    ("options", {"steps": 9}, "steps of reqa cannot be 9"),
    ("options", {"speed": 9}, "reqa has no option 'speed'"),
    ("options", {"input_size": 10**12}, "input_size cannot be 1000000000000: 4096 at most"),
    ("options", [], "options cannot be"),
    ("dataset", None, "dataset cannot be None: a text is needed"),
    ("input.height", 0, "height cannot be 0: 16 to 4096"),
    ("input.height", 10**9, "height cannot be 1000000000"),
    ("input.height", 448.0, "height cannot be 448.0"),
    ("input.height", True, "height cannot be True"),
    ("input.width", 10**4000, f"width cannot be 1{'0' * 39}…"),
    ("input.mean", [0.1, 0.2], "mean has 2 numbers"),
    ("input.mean", [0.1, 0.2, "0.3"], "mean cannot be '0.3'"),
    ("input.std", [0.1, 0.2, 0], "std of the input is not above 0"),
    ("input.codec_margin", -1, "codec_margin cannot be -1"),
    ("input.crops", {"size": 2000, "stride": 96}, "size cannot be 2000: 16 to 320"),
    ("input.crops", {"size": 224, "stride": 0}, "stride cannot be 0"),
    ("input.crops", {"size": 224, "stride": 1}, "stride cannot be 1: 14 to 224"),
    ("input.crops", {"size": 320, "stride": 1}, "stride cannot be 1: 20 to 320"),
    ("input.gamma", 2.2, "there is no field 'gamma'"),
    ("scale.lowest", 5.0, "goes from 5 to 5"),
    ("scale.highest", 1e300, "highest cannot be 1e"),
    ("scale.higher_is_better", "yes", "neither true nor false"),
    ("scale.meaning", 3, "meaning cannot be 3: a text is needed"),
    ("scale.calibration.curve", [1, 2, 3], "3 parameters, not 4"),
    ("scale.calibration.curve", [110, -8, 54, 0], "does not rise"),
    ("scale.calibration.curve", [110, -8, 54, -27], "does not rise"),
    ("scale.calibration.curve", [110, -8, None, 27], "curve cannot be None"),
    ("scale.calibration.places", [60.0, 30.0], "do not rise from 0 to 100"),
    ("scale.calibration.places", [30.0, 100.5], "do not rise from 0 to 100"),
    ("scale.calibration.places", [-0.5, 60.0], "do not rise from 0 to 100"),
    ("scale.calibration.places", [], "0 places and 2 widths"),
    ("scale.calibration.widths", [9.0], "2 places and 1 widths"),
    ("scale.calibration.widths", [9.0, -1.0], "a width of the calibration is below 0"),
    ("scale.calibration.photos", 0, "photos cannot be 0"),
    ("scale.calibration", "none", "calibration cannot be 'none'"),
    ("learnt", [], "learnt cannot be []"),
    ("learnt", {"photos": "", "references": ""}, "ancestors is missing"),
    ("learnt.faces", "", "there is no field 'faces'"),
    ("learnt.photos", 3, "photos cannot be 3: a text is needed"),
    ("learnt.photos", "é", "the photos that were learnt from are no Base64"),
    ("learnt.photos", "AAAA!", "the photos that were learnt from are no Base64"),
    ("learnt.photos", "AAAA", "the photos that were learnt from are no sorted hashes of 8 bytes"),
    ("learnt.references", _packed(b"B" * 8 + b"A" * 8), "the references that were learnt from"),
    ("learnt.references", _packed(b"A" * 16), "the references that were learnt from are no sorted"),
    ("learnt.ancestors", "reqa-lite", "ancestors cannot be 'reqa-lite'"),
    ("learnt.ancestors", ["a\x1b[2J"], "the ancestors are not at most 100 printable names"),
    ("learnt.ancestors", ["a" * 201], "the ancestors are not at most 100 printable names"),
    ("learnt.ancestors", ["a"] * 101, "the ancestors are not at most 100 printable names"),
    ("learnt.ancestors", [3], "the ancestors are not at most 100 printable names"),
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG, ids=[w[2][:30] for w in WRONG])
def test_a_wrong_field_is_refused_in_one_line(field: str, value: Any, message: str) -> None:
    content = copy.deepcopy(PLAIN)
    *way, last = field.split(".")
    record = content
    for step in way:
        record = record[step]
    record[last] = value
    with pytest.raises(
        WeightsError, match="own.safetensors was written by another version"
    ) as caught:
        _read(content)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


FULL = TrainedNetwork(
    family="qualitynet",
    backbones=("efficientnet-lite0", "efficientnet-lite2"),
    options=with_defaults("qualitynet", {"chains": 2, "flaws": True}),
    input=InputContract(448, 448, (0.5,) * 3, (0.5,) * 3, full_size=FullSize()),
    scale=TRAINED.scale,
    dataset="csv:mine.csv",
)


def test_a_view_at_full_size_is_written_and_read_again() -> None:
    assert trained_of(Header({}, FULL.to_metadata(), 0), source="own.safetensors") == FULL
    other = replace(FULL.input, height=192, width=192, full_size=FullSize(9, 64, above_pixels=0))
    changed = replace(FULL, input=other)
    assert trained_of(Header({}, changed.to_metadata(), 0), source="own.safetensors") == changed


def test_without_a_view_at_full_size_the_file_says_nothing_of_it() -> None:
    assert "full_size" not in PLAIN["input"]
    plain = json.loads(TRAINED.to_metadata()["biqa"])
    plain["input"]["full_size"] = None
    assert _read(plain) == TRAINED


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"squares": 5}, "5 squares of 224 pixels cannot fill"),
        ({"squares": 81}, "squares cannot be 81: 1 to 64"),
        ({"squares": 9}, "9 squares of 224 pixels cannot fill a view of 448×448"),
        ({"size": 220}, "4 squares of 220 pixels cannot fill"),
        ({"size": 500}, "size cannot be 500: 16 to 448"),
        ({"above_pixels": -1}, "above_pixels cannot be -1"),
        ({"above_pixels": 10**9}, "above_pixels cannot be 1000000000"),
        ({"margin": 3}, "there is no field 'margin'"),
    ],
)
def test_a_wrong_view_at_full_size_is_refused(changes: dict[str, Any], message: str) -> None:
    content = json.loads(FULL.to_metadata()["biqa"])
    content["input"]["full_size"] |= changes
    with pytest.raises(WeightsError, match=message):
        _read(content)


def test_a_view_at_full_size_needs_flaws_and_no_crops() -> None:
    content = json.loads(FULL.to_metadata()["biqa"])
    content["options"]["flaws"] = False
    with pytest.raises(WeightsError, match="full_size needs flaws=true"):
        _read(content)
    content["options"]["flaws"] = True
    content["input"]["crops"] = {"size": 224, "stride": 112}
    with pytest.raises(WeightsError, match="full_size does not go with crops"):
        _read(content)
    content["input"] |= {"crops": None, "width": 320}
    with pytest.raises(WeightsError, match="cannot fill a view of 448×320"):
        _read(content)


def test_a_view_that_keeps_the_aspect_ratio_is_written_and_read_again() -> None:
    keeping = replace(FULL, input=replace(FULL.input, keeps_aspect=True))
    assert trained_of(Header({}, keeping.to_metadata(), 0), source="own.safetensors") == keeping
    # Versions that do not know it read files that do not need it.
    assert "keeps_aspect" not in PLAIN["input"]


def test_the_aspect_ratio_is_kept_by_networks_that_read_any_size_alone() -> None:
    content = json.loads(FULL.to_metadata()["biqa"])
    content["input"]["keeps_aspect"] = "yes"
    with pytest.raises(WeightsError, match="there is no keeps_aspect 'yes'"):
        _read(content)
    content["input"] |= {"keeps_aspect": True, "full_size": None}
    content["input"]["crops"] = {"size": 224, "stride": 112}
    with pytest.raises(WeightsError, match="keeps_aspect does not go with crops"):
        _read(content)
    other = json.loads(TRAINED.to_metadata()["biqa"])
    other["input"] |= {"keeps_aspect": True, "crops": None}
    with pytest.raises(WeightsError, match=f"keeps_aspect does not go with {TRAINED.family}"):
        _read(other)


@pytest.mark.parametrize("field", ["family", "backbones", "options", "input", "scale", "dataset"])
def test_a_field_that_is_missing_is_named(field: str) -> None:
    with pytest.raises(WeightsError, match=f"{field} is missing"):
        _read({name: value for name, value in PLAIN.items() if name != field})


@pytest.mark.parametrize("text", ["", "{", "3", "[]", "null", "[" * 100_000])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(WeightsError, match="was written by another version of biqa, or is damaged"):
        trained_of(Header({}, {"biqa": text}, 0), source="f")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(number: str) -> None:
    text = TRAINED.to_metadata()["biqa"].replace("110", number)
    assert number in text
    with pytest.raises(WeightsError, match="was written by another version of biqa, or is damaged"):
        trained_of(Header({}, {"biqa": text}, 0), source="f")


NUMBERS = st.floats(-1e9, 1e9)


@given(curve=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), native=st.floats(width=32).filter(abs))
def test_every_curve_that_is_accepted_gives_finite_scores(
    curve: tuple[float, float, float, float], native: float
) -> None:
    content = copy.deepcopy(PLAIN)
    content["scale"]["calibration"]["curve"] = curve
    try:
        trained = _read(content)
    except WeightsError:
        return
    assert trained is not None
    if math.isfinite(native):
        score = trained.scale.to_percent(native)
        interval = trained.scale.interval(score)
        assert interval is not None
        assert 0 <= interval[0] <= score <= interval[1] <= 100


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("input.height", (320, 4096)),
        ("input.width", (320, 4096)),
        ("input.codec_margin", (1, 16)),
        ("input.crops", ({"size": 320, "stride": 320}, {"size": 16, "stride": 1})),
        ("input.std", ([0.001, 0.5, 0.5], [5, 5, 5])),
        ("scale.calibration.curve", ([50.5, 50, 54, 0.5], [110, -8, -54, 1e-8])),
        ("scale.calibration.places", ([0, 0.5], [99.5, 100])),
        ("scale.calibration.widths", ([0, 0], [100, 100])),
        ("scale.calibration.photos", (1, 999_999_999)),
    ],
)
def test_values_at_the_ends_of_what_can_be_are_read(field: str, values: tuple[Any, Any]) -> None:
    for value in values:
        content = copy.deepcopy(PLAIN)
        *way, last = field.split(".")
        record = content
        for step in way:
            record = record[step]
        record[last] = value
        assert _read(content) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [("height", 15), ("height", 4097), ("width", 4097), ("codec_margin", 0), ("codec_margin", 17)],
)
def test_sizes_just_beyond_are_refused(field: str, value: int) -> None:
    content = copy.deepcopy(PLAIN)
    content["input"][field] = value
    with pytest.raises(WeightsError, match=f"{field} cannot be {value}"):
        _read(content)


def test_a_count_of_photos_without_end_is_refused() -> None:
    content = copy.deepcopy(PLAIN)
    content["scale"]["calibration"]["photos"] = 10**9
    with pytest.raises(WeightsError, match="photos cannot be 1000000000"):
        _read(content)
