"""Options of an anonymizer, in addition to its level."""

from dataclasses import dataclass

from psynetdata.anonymize.policy.rules import Policy
from psynetdata.anonymize.text.scrubber import FREE_TEXT
from psynetdata.psynet.problems import UsageError

PSEUDONYMS = ("hmac", "number")
COARSEN = ("day",)
# What shifted dates do not protect from. The option's help, its page and every report say it.
DATES_STAY = (
    "This does not protect from somebody who puts the rows in order: row numbers show who came when, the time of day "
    "and all response times stay, and numbers inside free JSON cannot be changed safely; with one known date, all "
    "others can be worked out."
)


@dataclass(frozen=True)
class Options:
    """`pseudonyms`: letters of a keyed hash, or assigned numbers (see text/numbered_pseudonyms.py).
    `drop_text`: withhold text that people typed. `shift_dates`: shift each participant's times by a constant of their
    own. `coarsen`: cut times to the day.

    Raises UsageError for unknown values.
    """

    pseudonyms: str = "hmac"
    drop_text: bool = False
    shift_dates: bool = False
    coarsen: str = ""

    def __post_init__(self) -> None:
        for name, choices in (("pseudonyms", PSEUDONYMS), ("coarsen", ("", *COARSEN))):
            if getattr(self, name) not in choices:
                raise UsageError(f"The export's {name} must be one of {', '.join(filter(None, choices))}.")
        for name in ("drop_text", "shift_dates"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"The export's {name} must be true or false.")

    @property
    def of_dates(self) -> bool:
        return self.shift_dates or bool(self.coarsen)

    def applied(self, policy: Policy) -> Policy:
        """Return the policy, made stricter by these options; its version and hash stay those of the policy itself."""
        return policy.with_action(FREE_TEXT, "scrub", "numbers") if self.drop_text else policy
