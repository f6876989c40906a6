"""Sets and dictionaries of ids, in which numbers take little memory and texts stay texts."""

import random
import tracemalloc

from psynetdata.psynet.ownership.id_collections import IdMap, IdSet

TEXTS = ["0", "007", "7", "8191", "8192", "2147483647", "9999999999", "12345678901", "", "-1", "7 ", "٧", "P01"]


def test_ids_and_texts_are_told_apart():
    rng = random.Random(7)
    texts = TEXTS + [str(rng.randrange(10 ** rng.randint(1, 10))) for _ in range(500)]
    held = set(rng.sample(texts, len(texts) // 2))
    values = IdSet()
    for text in held:
        values.add(text)
    assert {text for text in texts if text in values} == held


def test_a_map_is_a_dictionary():
    rng = random.Random(7)
    texts = TEXTS + [str(2**32 - n) for n in range(5)] + [str(rng.randrange(10**6)) for _ in range(100)]
    expected: dict[str, str] = {}
    found = IdMap()
    for _ in range(3_000):
        key, value = rng.choice(texts), rng.choice(texts)
        if rng.random() < 0.3:
            assert found.setdefault(key, value) == expected.setdefault(key, value)
        else:
            found[key] = expected[key] = value
    assert {key: found.get(key) for key in texts} == {key: expected.get(key) for key in texts}


def test_a_million_numbers_take_four_bytes_each():
    tracemalloc.start()
    found = IdMap()
    for number in range(0, 1_000_000, 100):
        found[str(number)] = "1"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000
