"""What can be asked of an anonymizer beyond its level."""

from dataclasses import dataclass

from psynetdata.anonymize.policy.rules import Policy
from psynetdata.anonymize.text.scrubber import FREE_TEXT
from psynetdata.psynet.problems import UsageError

PSEUDONYMS = ("hmac", "number")
COARSEN = ("", "day")


@dataclass(frozen=True)
class Options:
    """`pseudonyms`: letters of a keyed hash, or numbers that are handed out (see text/numbered_pseudonyms.py).
    `drop_text`: what people typed is withheld. `shift_dates`: each participant's times by a constant of their own.
    `coarsen`: times to the day.

    Raises UsageError for values that do not exist.
    """

    pseudonyms: str = "hmac"
    drop_text: bool = False
    shift_dates: bool = False
    coarsen: str = ""

    def __post_init__(self):
        for name, choices in (("pseudonyms", PSEUDONYMS), ("coarsen", COARSEN)):
            if getattr(self, name) not in choices:
                raise UsageError(f"The export's {name} must be one of {', '.join(filter(None, choices))}.")
        for name in ("drop_text", "shift_dates"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"The export's {name} must be true or false.")

    @property
    def of_dates(self) -> bool:
        return self.shift_dates or bool(self.coarsen)

    def applied(self, policy: Policy) -> Policy:
        """The policy as these options sharpen it; its version and hash stay those of the policy itself."""
        return policy.with_action(FREE_TEXT, "scrub", "numbers") if self.drop_text else policy
