"""Orders that only the values tell."""

import random

import pytest

from psynetdata.faces import ANONYMOUS, reading
from psynetdata.sheets.catalogue import Catalogue
from psynetdata.sheets.query.value_order import sorted_keys

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "identified", "anonymous"]),
    pytest.mark.each_database,
]

# As JSON holds them, in their order; null is last either way.
VALUES = [
    *(-(10**400), -(2**70), -3, -0.5, False, 0.25, True, 2, 2**62, 2**62 + 1, 2**70, 10**400),
    *("", "A", "Z", "a", "a\0b", "aa", "z", "é", "\ud800", "\U0001f600", [1, 2], [1], {"a": 1}, {"b": 0}),
]


def test_values_of_all_kinds_have_an_order():
    rows = [(number << 40, [value]) for number, value in enumerate(VALUES)]
    nulls = [(-1, [None]), (-2, [None])]
    mixed = rows.copy()
    random.Random(1).shuffle(mixed)
    assert list(sorted_keys([nulls[0], *mixed, nulls[1]], [False])) == [key for key, _ in rows] + [-1, -2]
    assert list(sorted_keys([nulls[0], *mixed, nulls[1]], [True])) == [key for key, _ in reversed(rows)] + [-1, -2]


def test_what_is_equal_stays_as_it_came_and_the_next_column_tells():
    rows = [(1, ["b", 1]), (2, ["a", 2]), (3, ["a", 3]), (4, ["b", 1]), (5, ["a", 2])]
    assert list(sorted_keys(rows, [False, True])) == [3, 2, 5, 1, 4]


def test_it_looks_at_the_rows_once_for_all_pages_of_a_state(loaded, django_assert_num_queries):
    deployment = loaded("static")
    with reading(ANONYMOUS):
        catalogue = Catalogue(deployment, ANONYMOUS)

        def page(cursor):
            return catalogue.sheet("trial", order=["-animal"], fields=["id"]).page(cursor, 10)

        first, cursor = page(None)
        with django_assert_num_queries(1, using=ANONYMOUS):
            second, _ = page(cursor)
    everything = [row["id"] for row in catalogue.sheet("trial", order=["-animal"]).rows()]
    assert [row["id"] for row in first + second] == everything[:20]
