"""Rounding, by the kind of content: what a value looks like afterwards keeps its type."""

import re
from collections.abc import Callable

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
AGE_BAND = 5


def day(text: str) -> str:
    """A timestamp at the midnight of its day."""
    return _DATE.sub(lambda match: match[1] + " 00:00:00", text)


def size(text: str) -> str:
    """A size in MB to two decimals (10 kB): enough to plan a download, too little to recognise a file."""
    return format(round(float(text), 2), "g") if _NUMBER.fullmatch(text) else "0"


# (what stands in the text, what is told): the first that is found. Both a browser's own user agent and the words
# of platform.js, which PsyNet records ("Chrome Mobile 120.0 on Samsung Galaxy S10 (Android 12)"), are read.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Opera", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Samsung Internet", "Samsung Internet"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"),
    ("Chromium", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"), ("MSIE", "Internet Explorer"),
    ("Trident", "Internet Explorer"), ("IE ", "Internet Explorer"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iOS"), ("iPad", "iOS"), ("iPod", "iOS"), ("iOS", "iOS"), ("Android", "Android"), ("CrOS", "Chrome OS"),
    ("Chrome OS", "Chrome OS"), ("Windows", "Windows"), ("Mac", "macOS"), ("OS X", "macOS"), ("Linux", "Linux"),
    ("Ubuntu", "Linux"), ("Fedora", "Linux"), ("X11", "Linux"),
)  # fmt: skip
_MOBILE = re.compile(r"Mobi|iPhone|iPad|iPod|Android|\biOS\b|Tablet")
# PsyNet's own words (psynet.timeline, Page.process_response).
_NOT_KNOWN = "Browser platform info could not be retrieved."


def browser(text: str) -> str:
    """The family of a browser, its system, mobile or not, as text or JSON string: `Chrome on Windows, not mobile`."""
    quoted = '"' if text[:1] == '"' else ""
    if text.strip('"') in ("", _NOT_KNOWN) or text in ("null", "{}"):
        return text
    name = next((told for mark, told in _BROWSERS if mark in text), "another browser")
    system = next((told for mark, told in _SYSTEMS if mark in text), "another system")
    return f"{quoted}{name} on {system}, {'mobile' if _MOBILE.search(text) else 'not mobile'}{quoted}"


def age(text: str) -> str:
    """An age, as JSON number or string, rounded down to a band of five years; anything else is null."""
    match = re.fullmatch(r'("?)(\d{1,3})(?:\.\d+)?("?)', text.strip())
    if match is None:
        return "null"
    return f"{match[1]}{int(match[2]) // AGE_BAND * AGE_BAND}{match[3]}"


BY_KIND: dict[str, Callable[[str], str]] = {"time": day, "asset_size": size, "age": age, "browser": browser}
