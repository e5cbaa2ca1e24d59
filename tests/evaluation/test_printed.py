"""What the papers print is a correlation, as good as their models are."""

from biqa_cli.evaluation.printed import PRINTED


def test_every_printed_number_is_a_correlation_of_a_good_model() -> None:
    numbers = [n for p in PRINTED.values() for n in (p.srcc, p.plcc, p.krcc) if n is not None]
    assert len(numbers) >= 2 * len(PRINTED)
    assert all(0.5 < number < 1 for number in numbers)


def test_rank_correlations_of_pairs_are_below_those_of_ranks() -> None:
    # Kendall's is smaller than Spearman's for any agreement that good.
    assert all(p.krcc < p.srcc for p in PRINTED.values() if p.krcc and p.srcc)
