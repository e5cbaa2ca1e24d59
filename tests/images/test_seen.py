import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.images.seen import Seen


@given(st.lists(st.text(max_size=3)))
def test_a_name_is_new_once(names: list[str]) -> None:
    seen, before = Seen(), set[str]()
    for name in names:
        assert seen.has(name) == (name in before)
        assert seen.add(name) == (name not in before)
        before.add(name)


def test_it_grows_and_takes_at_most_32_bytes_a_name() -> None:
    count = 5000
    tracemalloc.start()
    seen = Seen()
    assert all(seen.add(f"photos/{number}.jpg") for number in range(count))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not any(seen.add(f"photos/{number}.jpg") for number in range(count))
    assert taken < 40 * count
