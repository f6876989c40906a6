"""How an identifier reads in base64."""

import base64

import pytest

from psynetdata.anonymize.forms import stored_forms


@pytest.mark.parametrize("form", ["abcde", "w-12345678", "a+b@mail.org", "zoë_müller", "5f3e9a1b2c4d5e6f7a8b9c0d"])
def test_each_run_that_holds_the_form_holds_one_of_its_texts(form):
    texts = stored_forms.in_base64(form)
    assert {len(text) for text in texts} <= {4, 8}  # an empty one would be in every run
    for written in (form, form.upper()):
        for before in range(6):
            for after in range(4):
                data = b"x" * before + written.encode("latin-1") + b"y" * after
                for encode in (base64.b64encode, base64.urlsafe_b64encode):
                    run = encode(data).decode()
                    assert any(text in run for text in texts), (written, before, after)


def test_a_form_that_fills_no_group_cannot_be_looked_for():
    with pytest.raises(stored_forms.Unscreenable):
        stored_forms.in_base64("abcd")
