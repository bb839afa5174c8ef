"""Which rows are a text's, against a plain dict."""

import numpy as np

from s3.student.texts import Texts, keys


def test_rows_are_found_again_over_many_rounds():
    chance, texts, known, held = np.random.default_rng(0), Texts.none(), dict[int, list[int]](), 0
    for _ in range(20):
        wanted = [int(number) for number in chance.integers(0, 200, chance.integers(0, 40))]
        names = keys((str(number),) for number in wanted)
        new = texts.missing(names)
        assert [wanted[i] for i in new] == list(dict.fromkeys(w for w in wanted if w not in known))
        counts = [int(count) for count in chance.integers(0, 4, len(new))]
        for i, count in zip(new, counts, strict=True):
            known[wanted[i]], held = list(range(held, held + count)), held + count
        texts = texts.with_(names[new], counts)
        rows, owners = texts.rows(names)
        assert list(rows) == [row for one in wanted for row in known[one]]
        assert list(owners) == [i for i, one in enumerate(wanted) for _ in known[one]]
