from pathlib import Path

import pytest
from small_studies import dataset, result, study

from biqa_cli.errors import UsageError
from biqa_cli.studies.ledger import RUNS, claim, finished_runs, keep
from biqa_cli.studies.plan import plan_study

FIRST, SECOND = plan_study(study(seeds=[1, 2]), [dataset("a")]).runs


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    assert finished_runs(tmp_path) == {}
    keep(tmp_path, FIRST, (result("a", 0.5),), {"seconds": 1.5})
    keep(tmp_path, SECOND, (result("a", 0.6),), {})
    found = finished_runs(tmp_path)
    assert list(found) == [FIRST.key, SECOND.key]
    assert found[FIRST.key].results == (result("a", 0.5),)
    assert found[FIRST.key].facts == {"seconds": 1.5}


def test_a_line_that_was_cut_short_is_no_run_and_harms_no_other(tmp_path: Path) -> None:
    keep(tmp_path, FIRST, (result("a", 0.5),), {})
    path = tmp_path / RUNS
    path.write_text(path.read_text() + path.read_text()[:40])
    assert list(finished_runs(tmp_path)) == [FIRST.key]
    keep(tmp_path, SECOND, (result("a", 0.6),), {})
    assert list(finished_runs(tmp_path)) == [FIRST.key, SECOND.key]


def test_another_file_is_no_record_of_runs(tmp_path: Path) -> None:
    (tmp_path / RUNS).write_text('{"path": "a.jpg"}\n')
    with pytest.raises(UsageError, match="is no record of runs: .* to run them all again"):
        finished_runs(tmp_path)


def test_a_run_has_one_process_at_a_time(tmp_path: Path) -> None:
    with claim(tmp_path, FIRST) as ours:
        assert ours
        with claim(tmp_path, FIRST) as again, claim(tmp_path, SECOND) as other:
            assert (again, other) == (False, True)
    with claim(tmp_path, FIRST) as ours:
        assert ours
