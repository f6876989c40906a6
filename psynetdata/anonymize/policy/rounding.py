"""Rounding, by the kind of content: a rounded value keeps its type."""

import re
from collections.abc import Callable

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
AGE_BAND = 5


def day(text: str) -> str:
    """Return the text with timestamps set to the midnight of their day."""
    return _DATE.sub(lambda match: match[1] + " 00:00:00", text)


def size(text: str) -> str:
    """Return a size in MB with two decimals (10 kB): enough to plan a download, not enough to recognise a file."""
    return format(round(float(text), 2), "g") if _NUMBER.fullmatch(text) else "0"


# (text to find, name to return): the first match counts. Both a browser's own user agent and the description by
# platform.js, which PsyNet records ("Chrome Mobile 120.0 on Samsung Galaxy S10 (Android 12)"), are read.
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
# PsyNet's own text (psynet.timeline, Page.process_response).
_NOT_KNOWN = "Browser platform info could not be retrieved."


def browser(text: str) -> str:
    """Return the browser family, system, and mobile or not: `Chrome on Windows, not mobile`. Text or JSON string."""
    quoted = '"' if text[:1] == '"' else ""
    if text.strip('"') in ("", _NOT_KNOWN) or text in ("null", "{}"):
        return text
    name = next((label for mark, label in _BROWSERS if mark in text), "another browser")
    system = next((told for mark, told in _SYSTEMS if mark in text), "another system")
    return f"{quoted}{name} on {system}, {'mobile' if _MOBILE.search(text) else 'not mobile'}{quoted}"


def age(text: str) -> str:
    """Return an age (JSON number or string) rounded down to a band of five years; `null` for anything else."""
    match = re.fullmatch(r'("?)(\d{1,3})(?:\.\d+)?("?)', text.strip())
    if match is None:
        return "null"
    return f"{match[1]}{int(match[2]) // AGE_BAND * AGE_BAND}{match[3]}"


BY_KIND: dict[str, Callable[[str], str]] = {"time": day, "asset_size": size, "age": age, "browser": browser}
