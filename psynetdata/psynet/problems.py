"""Expected failures: each is one sentence that names the thing and the way out.

Raise them deep; the surfaces translate them once: `exit_code` for commands,
`status` for HTTP. A sentence never holds an identifier or a secret.
"""


class Problem(Exception):
    """Something a user can get wrong or put right; str() is the whole sentence."""

    status = 400
    exit_code = 1

    def __init__(self, sentence: str):
        super().__init__(sentence)
        self.sentence = sentence


class BadInput(Problem):
    """What was handed in cannot be read as what it should be."""


class UsageError(Problem):
    """The call itself is off: unknown or conflicting options."""

    exit_code = 2


class NotFound(Problem):
    status = 404


class Forbidden(Problem):
    """The caller is known, and may not."""

    status = 403


class Gone(Problem):
    """It was here, and is not kept, or not open, any more."""

    status = 410


class Conflict(Problem):
    """The thing is not in a state in which this can be done."""

    status = 409


class Damaged(Problem):
    """Stored data no longer is what it was when it was written."""

    status = 500


class Cancelled(Problem):
    """Someone asked for the work to stop."""

    status = 409


class LeakFound(Problem):
    """A finished anonymized archive holds an identifier or a secret (law 4)."""

    status = 500
