"""Many keys are known by their digests: exactly, and in few bytes."""

import random
import tracemalloc

from s3.data.known import LEAST, Known


def test_a_key_is_new_once_however_many_there_are():
    chance, known, wanted = random.Random(0), Known(), set[tuple[str, ...]]()
    for _ in range(5 * LEAST):
        key = (f"text {chance.randrange(4 * LEAST)}", "given")
        assert known.add(key) == (key not in wanted)
        wanted.add(key)
    assert len(wanted) > 2 * LEAST  # some are packed
    assert not any(map(known.add, wanted))


def test_what_is_known_at_first_is_not_new():
    known = Known([("a", "b"), ("c",)])
    assert not known.add(("c",))
    assert known.add(("a b",))
    assert known.add(("b", "a"))


def test_a_key_takes_some_bytes_whatever_its_length():
    known, number = Known(), 8 * LEAST
    tracemalloc.start()
    for one in range(number):
        known.add((f"{one} " * 30,))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 48 * number
