from psynetdata.psynet.problems import Problem


class Undelivered(Problem):
    """A channel did not take the message. `wait`: seconds before which it wants no other; `code`: its own word."""

    status = 502

    def __init__(self, sentence: str, *, wait: int = 0, code: str = ""):
        super().__init__(sentence)
        self.wait, self.code = wait, code
