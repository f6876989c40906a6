"""Made-up values that look like what PsyNet 13.3 wrote in its demonstrations."""

import json
import uuid
from random import Random

ANIMALS = ("cats", "dogs", "fish", "ponies")
BLOCKS = ("A", "B", "C")
COLORS = ("red", "green", "blue")
CHOICES = ("Not at all <kbd>A</kbd>", "A little <kbd>S</kbd>", "Very much <kbd>D</kbd>", "Very much")
# What people may type, to test the quoting of every format.
REMARKS = (
    "It was fun, thanks!",
    'She said "again", so I did.',
    "First line\nsecond line",
    "とても楽しかったです",
    "Très bien — 10/10; no, 9,5",
    "",
    "a\tb, c\\d",
    "My cat helped 🐈",
)


def hexadecimal(rng: Random, digits: int = 24) -> str:
    """Return 24 digits, as in Prolific's ids."""
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def uuid4(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def address(rng: Random) -> str:
    """Return an address from the ranges that RFC 5737 reserves for examples."""
    return f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randint(1, 254)}"


def definition(rng: Random, of_node: str | None) -> dict:
    """Return a trial's definition: its node's, plus a colour."""
    try:
        found = json.loads(of_node or "{}")
    except ValueError:
        found = {}
    return {**(found if isinstance(found, dict) else {}), "text_color": rng.choice(COLORS)}


def response_metadata(seconds: float) -> dict:
    choices = list(CHOICES[:3])
    return {"time_taken": seconds, "prompt": {}, "control": {"choices": choices, "keys": ["KeyA", "KeyS", "KeyD"]}}


END_METADATA = {
    "choices": ["Finish"],
    "labels": ["Finish"],
    "time_taken": 0.0,
    "prompt": {},
    "control": {"choices": ["Finish"], "labels": ["Finish"]},
}
