import math
from pathlib import Path

import pytest

from biqa_cli.datasets.catalog import DATASETS
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import MODELS
from biqa_cli.studies.estimates import estimate
from biqa_cli.studies.files import SHIPPED, load_study, shipped_studies, to_toml
from biqa_cli.studies.plan import recipe_of, variants_of
from biqa_cli.weights.manifest import load_manifest

NAMES = sorted(path.stem for path in SHIPPED.glob("*.toml"))
MINE = 'title = "Mine"\nfamily = "blockiqa"\n'


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_every_table_of_the_papers_has_a_study() -> None:
    tables = {
        *(f"blockiqa-table{n}" for n in range(1, 7)),
        *(f"qualitynet-table{n}" for n in range(2, 7)),
        *(f"shdiqa-table{n}" for n in range(1, 4)),
        *(f"reqa-table{n}" for n in range(1, 7)),
        *("nlnet-intra", "nlnet-cross", "nlnet-types"),
        *("qualitynet-figure5", "qualitynet-figures7-10", "qualitynet-figures11-13"),
        *("qualitynet-figure15", "reqa-figures5-7"),
    }
    assert tables <= set(NAMES)


def test_the_study_of_models_has_every_checkpoint_that_is_listed() -> None:
    listed = {checkpoint.name for checkpoint in load_manifest().checkpoints}
    assert {variant.model for variant in load_study("models").variants} == listed


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_study_names_what_there_is(name: str) -> None:
    study = load_study(name)
    assert set(study.datasets) | {n for pair in study.pairs for n in pair} <= set(DATASETS)
    for variant in variants_of(study):
        if variant.model:
            assert variant.model in MODELS and load_manifest().find(variant.model)
            continue
        paper, light = (recipe_of(study, variant, light=light) for light in (False, True))
        assert paper.family == light.family and paper != light
    cost = estimate(study)
    assert cost.runs > 0
    assert cost.light_hours >= 0 and math.isfinite(cost.gpu_hours)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_paper_prints_stands_where_something_is_measured(name: str) -> None:
    study = load_study(name)
    if study.printed is None:
        return
    variants = {variant.name for variant in variants_of(study)}
    values = study.printed.values
    known = (
        values if study.table.rows == "variant" else {c for cells in values.values() for c in cells}
    )
    assert variants & set(known)
    if study.table.rows == "dataset":
        assert set(values) == {" → ".join(pair) for pair in study.pairs}
    if study.table.columns == "dataset":
        assert {c for cells in values.values() for c in cells} <= set(study.datasets)


def test_no_two_variants_of_a_shipped_study_are_the_same() -> None:
    for name, study in shipped_studies().items():
        variants = variants_of(study)
        trained = [
            (str(recipe_of(study, v, light=True)), v.protocol) for v in variants if not v.model
        ]
        assert len(set(trained)) == len(trained), name


def test_a_study_is_read_back_as_it_was(tmp_path: Path) -> None:
    for study in shipped_studies().values():
        again = load_study(written(tmp_path, to_toml(study)))
        # nan is not itself.
        assert str(again) == str(study)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "Mine"\n', "does not say whose recipe it trains: set family"),
        (MINE + "seed = 1\n", "unknown field `seed`"),
        (MINE + "seeds = []\n", "length >= 1 - at `\\$.seeds`"),
        (MINE + '[table]\nrows = "group"\n', "groups in its table: say of what with per"),
        (MINE + '[table]\nrows = "dataset"\n', "rows and columns of its table are both dataset"),
        (MINE + 2 * '[[variants]]\nname = "a"\n', "two variants 'a'"),
        (
            MINE + '[printed]\nwhere = "w"\nprotocol = "p"\nvalues = {a = {clive = [1]}}\n',
            "printed a, clive has 1 numbers for 2 metrics",
        ),
        ("title =", "cannot read the study"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        load_study(written(tmp_path, text))


def test_seeds_may_be_a_range(tmp_path: Path) -> None:
    assert load_study(written(tmp_path, MINE + 'seeds = "1-3,7"\n')).seeds == (1, 2, 3, 7)


def test_an_unknown_study_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no study 'blockiqa-tabel2': .* 'blockiqa-table2'"):
        load_study("blockiqa-tabel2")
