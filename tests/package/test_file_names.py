"""Names from the data as names of files."""

import pytest

from exports.package.tree.file_names import MAX_NAME, UsedNames, safe_name, safe_path


@pytest.mark.parametrize("name", ["Participant", "node_1__stimulus.wav", "a b", "ünï", ".hidden", "x" * 100])
def test_ordinary_names_stay(name):
    assert safe_name(name) == name
    assert safe_name(name, ".csv") == f"{name}.csv"


HOSTILE = [
    "",
    ".",
    "..",
    "...",
    "../x",
    "a/b",
    "a\\b",
    "CON",
    "con.txt",
    "nul",
    "COM1",
    "a\0b",
    "a\nb",
    "x.",
    "x ",
    " x",
]
HOSTILE += ["a:b", "x" * 300, "ü" * 200, "\ud800", "a?b", "a*b", "/", "\u202egnp.exe"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_become_file_names(name, tmp_path):
    for extension in ("", ".csv"):
        made = safe_name(name, extension)
        assert "/" not in made
        assert "\\" not in made
        assert made not in ("", ".", "..")
        assert made.split(".")[0].upper() not in ("CON", "NUL", "COM1")
        assert made[-1] not in ". "
        assert len(made.encode()) <= MAX_NAME + 10
        (tmp_path / made).write_text("x", encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 2


def test_different_names_stay_different():
    names = [*HOSTILE, "a_b", "_", "x", "x" * 299 + "y", "x" * MAX_NAME]
    made = [safe_name(name) for name in names]
    assert len(set(made)) == len(set(names))


def test_the_ending_of_a_long_name_stays():
    assert safe_name("a" * 400 + ".wav").endswith(".wav")


def test_paths_cannot_climb():
    assert safe_path("a/b.wav") == "a/b.wav"
    for path in ("../../etc/passwd", "/etc/passwd", "a/../../b", "..\\..\\x", "a//./b"):
        made = safe_path(path)
        assert not made.startswith("/")
        assert ".." not in made.split("/")
    assert safe_path("") == safe_path("///") == "_"


def test_taken_keeps_all_apart(tmp_path):
    taken = UsedNames()
    wanted = ["a/b", "A/B", "a", "a/b/c", "a/b", "é", "e\u0301", "straße", "STRASSE", "x", "x/y", "X/y"]
    given = [taken.claim(path) for path in wanted]
    assert given[0] == "a/b"
    assert len({path.casefold() for path in given}) == len(wanted)
    for number, path in enumerate(given):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(str(number), encoding="utf-8")
    assert [(tmp_path / path).read_text(encoding="utf-8") for path in given] == [str(n) for n in range(len(given))]


def test_taken_takes_the_first_free_of_several():
    taken = UsedNames()
    assert taken.claim("Coin.csv", "Coin__coin.csv") == "Coin.csv"
    assert taken.claim("Coin.csv", "Coin__info.csv") == "Coin__info.csv"
