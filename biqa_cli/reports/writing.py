"""From a stream of results to a report that is closed properly however the stream ends."""

import time
from collections.abc import Iterable, Iterator

from biqa_cli.reports.base import Report
from biqa_cli.reports.selection import SortKey, Tally, select
from biqa_cli.results import ImageResult, RunCounts, RunInfo


def write_report(
    report: Report,
    results: Iterable[ImageResult],
    *,
    run: RunInfo,
    order: SortKey | None = None,
    top: int | None = None,
    threshold: float | None = None,
) -> tuple[Tally, float]:
    """Write a report, and return what was counted and the seconds that it took.

    Where the results end with an exception, such as Ctrl-C, those that came before are sorted and
    written as usual, and JSON is closed; then the exception goes on.

    Args:
        report: Where to.
        results: As they come.
        run: What the scores depend on.
        order: As in `select`.
        top: As in `select`.
        threshold: Scores below it are counted.
    """
    tally, start = Tally(), time.monotonic()
    stopped: list[BaseException] = []

    def until_stopped() -> Iterator[ImageResult]:
        try:
            yield from tally.count(results, threshold=threshold)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  raised again below
            stopped.append(error)

    report.begin(run)
    try:
        for result in select(until_stopped(), order=order, top=top):
            report.add(result)
    except KeyboardInterrupt as error:
        stopped.append(error)
    seconds = time.monotonic() - start
    counts = RunCounts(tally.images, tally.scored, tally.failed, round(seconds, 3), not stopped)
    report.end(counts)
    if stopped:
        raise stopped[0]
    return tally, seconds
