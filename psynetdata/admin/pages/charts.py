"""Small charts as SVG, drawn here: they work without JavaScript, can be printed, and use the page's colours."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_HEIGHT = 40
_BAR, _GAP = 8, 2


def bars(values: Sequence[tuple[str, float]], caption: str) -> SafeString:
    """Return bars, one for each (description, value ≥ 0), scaled to the largest. `caption` is the text for screen
    readers.

    A value above 0 is always visible; for a 0 the place is empty.
    """
    most = max((value for _, value in values), default=0) or 1
    width = max(1, len(values)) * (_BAR + _GAP) - _GAP
    drawn = []
    for place, (words, value) in enumerate(values):
        height = round(max(1.0, _HEIGHT * value / most), 1) if value else 0
        drawn.append((place * (_BAR + _GAP), _HEIGHT - height, _BAR, height, words))
    inside = format_html_join(
        "", '<rect class="psd-bar" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', drawn
    )
    return format_html(
        '<svg class="psd-chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        width, _HEIGHT, caption, inside,
    )  # fmt: skip


def shares(shares_of: Sequence[tuple[str, int, str]], caption: str) -> SafeString:
    """Return one bar divided into parts: (description, count, the colour's word as in `psd-part-finished`)."""
    total = sum(count for _, count, _ in shares_of) or 1
    drawn, left = [], 0.0
    for words, count, colour in shares_of:
        share = 100 * count / total
        drawn.append((colour, round(left, 2), round(share, 2), f"{words}: {count:,}"))
        left += share
    inside = format_html_join(
        "", '<rect class="psd-part-{}" x="{}" y="0" width="{}" height="4"><title>{}</title></rect>', drawn
    )
    return format_html(
        '<svg class="psd-shares" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        caption, inside,
    )  # fmt: skip
