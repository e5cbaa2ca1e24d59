import math
import time

import pytest
from tiny_training import Listener

from biqa_cli.training.request import TimeIsUpError, tell_until


def test_work_is_told_about_eight_times_and_at_its_end() -> None:
    listener = Listener()
    tell = tell_until(math.inf, listener, "{} of {} are done")
    for done in range(1, 101):
        tell(done, 100)
    assert 8 <= len(listener.lines) <= 9
    assert listener.lines[0] == "13 of 100 are done"
    assert listener.lines[-1] == "100 of 100 are done"


def test_work_stops_at_its_deadline_unless_all_is_done() -> None:
    late = tell_until(time.monotonic(), Listener(), "{} {}")
    with pytest.raises(TimeIsUpError):
        late(1, 2)
    late(2, 2)
    tell_until(time.monotonic() + 60, Listener(), "{} {}")(1, 2)
