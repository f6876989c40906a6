"""Which cells a spreadsheet would run as a formula."""

import pytest

from psynetdata.psynet.classfile.excel import guard


@pytest.mark.parametrize(
    "cell",
    [
        "=1",
        "+a",
        "-a",
        "@sum",
        "\t=1",
        "\r\n=1",
        "\n=1",
        " \n +cmd|x",
        "\uff1d1+2",
        "\uff0bx",
        "\n\uff0d1",
        "\uff20sum",
        "-",
    ],
)
def test_a_formula_gets_an_apostrophe(cell):
    assert guard(cell) == "'" + cell


@pytest.mark.parametrize("cell", [None, "", "-5.5", "+3", "1e-5", "a=b", "\nfirst line", "x\n=1", "5 - 3"])
def test_other_cells_stay(cell):
    assert guard(cell) == cell
