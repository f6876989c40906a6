"""Finds and replaces known identifiers inside a text, in every form that psynetdata/psynet/forms.csv lists."""

import re
from collections.abc import Iterable
from itertools import chain

from psynetdata.anonymize.forms import encodings, id_names, numbers, runs
from psynetdata.anonymize.forms.digests import Digests
from psynetdata.anonymize.forms.skeleton import skeleton
from psynetdata.anonymize.forms.strength import ANYWHERE, NAMED, NEVER, TOKEN, WHOLE, fold, strength
from psynetdata.anonymize.identifiers.identifiers import KINDS, Identifiers

from .automaton import Automaton
from .pseudonyms import Pseudonyms
from .spans import Span, between_borders, stands_alone, substitute, widen
from .spellings import forms_of

REMOVED = "[removed]"
# Base64 in base64 in base64.
_DEEPEST = 3


class Matcher:
    """Finds identifiers in texts; compiled once from the identifiers of a deployment."""

    def __init__(self, identifiers: Identifiers, pseudonyms: Pseudonyms):
        self._pseudonyms = pseudonyms
        self._kinds = identifiers.kinds
        forms: dict[str, dict[str, str]] = {ANYWHERE: {}, TOKEN: {}, WHOLE: {}, NAMED: {}}
        for value in sorted(self._kinds, reverse=True):
            sure = NAMED if value in identifiers.public else strength(value)
            if sure != NEVER:
                forms[sure].update(dict.fromkeys(forms_of(value, sure), value))
        self._anywhere, self._tokens, self._whole_values = map(Automaton, (forms[ANYWHERE], forms[TOKEN], forms[WHOLE]))
        # Every other value counts if it is a whole string, regardless of its strength.
        self._whole = {form: value for name in (ANYWHERE, TOKEN, WHOLE) for form, value in forms[name].items()}
        self._named = forms[NAMED] | forms[WHOLE] | forms[TOKEN]
        digits = {form: value for form, value in self._whole.items() if form.isascii() and form.isdigit()}
        self._numbers = {whole: value for form, value in digits.items() if (whole := numbers.whole(form))}
        self._hashes = Digests(self._kinds)
        self._runs = runs.Runs(runs.floor(chain(forms[ANYWHERE], forms[TOKEN])), self._in_run)

    @property
    def has_numbers(self) -> bool:
        """Whether any identifier is a number of six digits or more."""
        return bool(self._numbers)

    def whole(self, text: str) -> str | None:
        """Return the replacement for a string that is an identifier as a whole, also as a number, else None."""
        value = self._whole.get(fold(text.strip()))
        return self.number(text) if value is None else self.replacement(value)

    def named(self, text: str) -> str | None:
        """Return the replacement for a value under a name of identity: short values and common words count there."""
        folded = skeleton(text.strip())
        value = self._named.get(fold(text.strip())) or self._named.get(folded)
        value = value or self._named.get(re.split(r'["&,;\s\\}\]]', folded)[0])
        return None if value is None else self.replacement(value)

    def number(self, text: str) -> str | None:
        """Return the replacement for a number that is equal to an identifier by value, else None."""
        if not self._numbers or (digits := numbers.whole(text)) is None:
            return None
        value = self._numbers.get(digits)
        return None if value is None else self.replacement(value)

    def replacement(self, value: str) -> str:
        fixed = KINDS[self._kinds[value]]
        return self._pseudonyms.pseudonym(value) if fixed is None else fixed

    def suspicious(self, text: str) -> bool:
        """A cheap check of undecoded text: False means that nothing in it needs replacing."""
        if self._may_hold(text):
            return True
        return encodings.may_be(text) and any(map(self._may_hold, encodings.texts(text)))

    def replace(self, text: str) -> str:
        """Return the text with every identifier in it replaced."""
        for _ in range(1 + encodings.MOST):
            spans = self._spans(text) or (self._spans_in_layers(text) if encodings.may_be(text) else [])
            if not spans:
                break
            text = substitute(text, spans)
        return text

    def in_runs(self, text: str) -> bool:
        """Return whether an identifier is in base64, hexadecimal or hashed in the text."""
        return self._runs.hits(text)

    def identifiers_in(self, text: str) -> frozenset[str]:
        """Return the identifiers that are written out in a text, also after decoding; not those in runs."""
        found = {value for value in (self._whole.get(fold(text.strip())),) if value is not None}
        for reading in (text, *(encodings.texts(text) if encodings.may_be(text) else ())):
            folded = fold(reading)
            found.update(value for _, _, value in chain(self._anywhere.spans(folded), self._apart(folded)))
        return frozenset(found)

    def under_names(self, text: str) -> str:
        """Return the JSON text with values under names of identity replaced, including numbers."""
        return id_names.in_json(text, self.named) if self._named and id_names.may_hold(text) else text

    def _may_hold(self, text: str) -> bool:
        folded = fold(text)
        if self._anywhere.hits(folded) or self._tokens.hits(folded) or self._whole_values.hits(folded):
            return True
        if self._runs.hits(text) or (self._named and id_names.may_hold(text)):
            return True
        return bool(self._numbers) and numbers.may_hold(text)

    def _spans_in_layers(self, text: str) -> list[Span]:
        """Return the spans of identifiers in the first reading of the text that holds any."""
        if any(self._spans(plain) for plain in encodings.texts(text)):
            for layer in encodings.layers(text):
                if spans := self._spans(layer.text):
                    return [(*layer.span(start, end), new) for start, end, new in spans]
        return []

    def _spans(self, text: str) -> list[Span]:
        """Return (start, end, replacement) of all identifiers; they may overlap."""
        return self._spans_in_text(text) + self._runs.spans(text)

    def _spans_in_text(self, text: str) -> list[Span]:
        """Return the spans of identifiers that are written out."""
        folded = fold(text)
        spans: list[Span] = []
        for start, end, value in self._anywhere.spans(folded):
            spans.append((*widen(text, start, end, self._kinds[value]), self.replacement(value)))
        spans += [(start, end, self.replacement(value)) for start, end, value in self._apart(folded)]
        if self._named and id_names.may_hold(text):
            spans += id_names.spans(text, self.named)
        if self._numbers:
            spans += self._grouped(text)
        return spans

    def _apart(self, folded: str) -> Iterable[tuple[int, int, str]]:
        """Yield (start, end, identifier) of shorter identifiers, which count as whole words or values."""
        for span in self._tokens.spans(folded, overlapping=True):
            if stands_alone(folded, span[0], span[1]):
                yield span
        for span in self._whole_values.spans(folded, overlapping=True):
            if between_borders(folded, span[0], span[1]):
                yield span

    def _grouped(self, text: str) -> Iterable[Span]:
        for start, end, digits in numbers.grouped(text):
            if (value := self._numbers.get(digits)) is not None:
                yield start, end, self.replacement(value)

    def _in_run(self, run: str, rich: bool, depth: int = 0) -> runs.RunSpans:
        """Return (start, end, replacement) of what a run of letters holds: hashes, hexadecimal, base64."""
        spans: list[Span] = []
        for match in runs.HEX.finditer(run):
            first = match.start()
            hashed = self._hashes.spans(match.group())
            spans += [(first + start, first + end, self.replacement(value)) for start, end, value in hashed]
            if any(self._holds(data, depth) for data in runs.hex_bytes(match.group())):
                spans.append((*match.span(), REMOVED))
        if rich and any(self._holds(data, depth) for data in runs.base64_bytes(run)):
            spans.append((0, len(run), REMOVED))
        return tuple(spans)

    def _holds(self, data: bytes, depth: int) -> bool:
        """Return whether decoded bytes hold an identifier; packed ones are unpacked."""
        if any(self._text_holds(text, is_text, depth + 1) for text, is_text in runs.texts_of(data)):
            return True
        return any(piece is None or self._holds(piece, depth + 1) for piece in runs.unpacked(data))

    def _text_holds(self, text: str, is_text: bool, depth: int) -> bool:
        if not is_text:
            folded = fold(text)
            return self._anywhere.hits(folded) or self._token_in(folded)
        readings = [text, *(encodings.texts(text) if encodings.may_be(text) else ())]
        if any(self._spans_in_text(reading) for reading in readings):
            return True
        if depth >= _DEEPEST:
            return False
        return any(
            self._in_run(match.group(), True, depth) for each in readings for match in self._runs.pattern.finditer(each)
        )

    def _token_in(self, folded: str) -> bool:
        return self._tokens.hits(folded) and any(
            stands_alone(folded, start, end) for start, end, _ in self._tokens.spans(folded, overlapping=True)
        )
