"""Expected failures: each is one sentence that names the problem and the solution.

Raise them where they occur; commands, API and pages translate them once: `exit_code` for commands,
`status` for HTTP. A sentence never contains an identifier or a secret.
"""


class Problem(Exception):
    """An error that a user can cause or fix; str() is the whole sentence."""

    status = 400
    exit_code = 1

    def __init__(self, sentence: str):
        super().__init__(sentence)
        self.sentence = sentence


class BadInput(Problem):
    """The input cannot be read in the expected format."""


class UsageError(Problem):
    """The call itself is wrong: unknown or conflicting options."""

    exit_code = 2


class NotFound(Problem):
    status = 404


class Forbidden(Problem):
    """The caller is known, but is not allowed to do this."""

    status = 403


class Gone(Problem):
    """The thing existed, but is no longer stored or no longer open."""

    status = 410


class Conflict(Problem):
    """This cannot be done in the current state of the thing."""

    status = 409


class TooMany(Problem):
    """The caller has asked for so much already that it must first be done."""

    status = 429


class Damaged(Problem):
    """Stored data is no longer the same as when it was written."""

    status = 500


class Cancelled(Problem):
    """Someone asked for the work to stop."""

    status = 409


class LeakFound(Problem):
    """A finished anonymized archive contains an identifier or a secret (law 4)."""

    status = 500
