"""Files of predictions as tools: their names, and rows that name no image."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import brightness_model
from rated_photos import loaded, rated_greys

from biqa_cli.datasets.base import Dataset
from biqa_cli.evaluation.tools import file_tools, model_tool, score_columns
from biqa_cli.models.catalog import find_model
from biqa_cli.weights.manifest import load_manifest


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return loaded(rated_greys(tmp_path, {0: 1.0, 100: 2.0, 200: 3.0}))


def _file(folder: Path, name: str, rows: str = "0.png,1\n100.png,3\n200.png,2\n") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"path,score\n{rows}", "utf-8")
    return file


def test_a_file_is_called_by_its_stem_unless_another_tool_is(tmp_path: Path, data: Dataset) -> None:
    files = [_file(tmp_path, name) for name in ("a/niqe.csv", "b/niqe.csv", "musiq.csv")]
    names = [tool.name for tool in file_tools(score_columns(files, ()), data)]
    assert names == [str(files[0]), str(files[1]), "musiq"]
    (taken,) = file_tools(score_columns(files[2:], ()), data, taken=["musiq"])
    assert taken.name == str(files[2])


def test_rows_that_name_no_image_are_counted(tmp_path: Path, data: Dataset) -> None:
    whole, other = _file(tmp_path, "whole.csv"), _file(tmp_path, "other.csv", "x.png,1\n0.png,2\n")
    tools = file_tools(score_columns([whole, other], ()), data)
    assert tools[0].notes == ()
    assert tools[1].notes == (f"1 rows of other.csv name no image of {data.name}",)


def test_weights_are_a_listed_checkpoint_by_their_bytes_and_not_by_their_name(
    data: Dataset,
) -> None:
    listed = load_manifest().find("blockiqa-lite")
    assert listed is not None
    own = replace(brightness_model(), spec=find_model("blockiqa-lite"))
    assert (found := model_tool(own, data)).checkpoint is None
    assert "blockiqa-lite does not say which photos it learnt from" in found.notes[0]
    same = model_tool(replace(own, weights_sha256=listed.sha256), data)
    assert (same.checkpoint, same.notes) == (listed, ())
