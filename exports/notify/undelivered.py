from psynetdata.psynet.problems import Problem


class Undelivered(Problem):
    """A channel did not accept the message. `wait`: seconds to wait before the next one; `code`: its own error code."""

    status = 502

    def __init__(self, sentence: str, *, wait: int = 0, code: str = ""):
        super().__init__(sentence)
        self.wait, self.code = wait, code
