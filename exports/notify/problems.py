from psynetdata.psynet.problems import Problem


class Undelivered(Problem):
    """A channel did not take the message. `wait`: seconds before which it wants no other."""

    status = 502

    def __init__(self, sentence: str, *, wait: int = 0):
        super().__init__(sentence)
        self.wait = wait
