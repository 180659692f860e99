"""Why the engine did not do what a client asked for.

UnknownFunction     there is no function of that kind and name
UnknownInstance     there is no such orchestration
InstanceEnded       the orchestration has already ended
InstanceExists      the id of a new orchestration belongs to one that has not ended
WrongStatus         suspended twice, or resumed while running
NotFailed           only what has failed can be rewound
"""


class UnknownFunction(Exception):
    """A function was asked for that is not there."""


class UnknownInstance(Exception):
    """An instance was addressed that does not exist."""


class InstanceEnded(Exception):
    """An instance was addressed that has already ended."""


class InstanceExists(Exception):
    """A start used the id of an instance that has not ended."""

    def __init__(self, status: str) -> None:
        super().__init__(f"An Orchestration instance with the status {status} already exists.")
        self.status = status


class WrongStatus(Exception):
    """A suspended instance was suspended, or one that is not suspended was resumed."""


class NotFailed(Exception):
    """An instance was to be rewound that has not failed."""


def words_of(error: BaseException) -> str:
    """What an exception says, even if it cannot."""
    try:
        return str(error)
    except Exception as wordless:
        return f"(its __str__ raised {type(wordless).__name__})"
