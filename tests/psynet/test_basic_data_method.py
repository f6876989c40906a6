"""`get_basic_data` is found in a text, and the text is never run."""

import pytest

from psynetdata.psynet.basic_data_method import LARGEST, find

SCRIPT = b'''# coding: latin-1
raise SystemExit("run")

class Helper:
    @classmethod
    def get_basic_data(cls):
        return "not the experiment's"

class Exp(psynet.experiment.Experiment):
    label = "caf\xe9"

    @classmethod
    @cached(seconds=3)
    def get_basic_data(cls, context=None, **kwargs):
        # f\xfcr alle
        text = """
  as it is"""
        return {"trial": [{"</pre><script>": 1}]}

    def after(self):
        pass
'''


def test_the_lines_as_they_stand():
    found = find(SCRIPT)
    assert found == "\n".join(SCRIPT.decode("latin-1").split("\n")[11:18])
    assert "für alle" in found
    assert find(SCRIPT.replace(b"\n", b"\r\n")) == found


@pytest.mark.parametrize(
    "script",
    [
        b"",
        b"def get_basic_data(): pass",
        b"class Exp:\n  get_basic_data = None",
        b"class Exp:\n  def get_basic_data(cls:\n",
        b"\0",
        b"# coding: nothing-like-it\n",
        b"\xff\xfe",
        b"class Exp:\n  def get_basic_data(cls): return " + b"(" * 100_000,
        b"class Exp:\n  def get_basic_data(cls): return " + b"-" * 100_000 + b"1",
        b"class Exp:\n  def get_basic_data(cls): return a" + b".a" * 100_000,
        b"class Exp:\n  def get_basic_data(cls): pass\n" + b"#" * LARGEST,
    ],
)
def test_what_cannot_be_told_is_nothing(script):
    assert find(script) == ""
