"""The exceptions that a locustfile may raise or catch: those of `locust.exception`, and what ends a visit here."""


class LocustError(Exception):
    """The base of Locust's errors."""


class ResponseError(Exception):
    """A reply isn't what the task needs."""


class CatchResponseError(Exception):
    """What `failure("…")` makes of its message."""


class MissingWaitTimeError(LocustError):
    """A user has no wait_time."""


class InterruptTaskSet(Exception):  # noqa: N818 - Locust's name
    """Leave the set of tasks; the parent goes on at once with `reschedule`, else after its wait."""

    def __init__(self, reschedule: bool = True) -> None:  # noqa: FBT001, FBT002 - Locust's signature
        super().__init__(reschedule)
        self.reschedule = reschedule


class StopTest(Exception):  # noqa: N818 - Locust's name
    """End the test: not for one of its users to say, here."""


class StopUser(Exception):  # noqa: N818 - Locust's name
    """The user goes: its session ends."""


class RescheduleTask(Exception):  # noqa: N818 - Locust's name
    """End the task as a return would."""


class RescheduleTaskImmediately(Exception):  # noqa: N818 - Locust's name
    """End the task, and begin the next without a wait."""


class VisitOverError(BaseException):
    """The session has played what it came for. No `except Exception` of a task's keeps it."""


class VisitEndedError(BaseException):
    """Something that isn't the task's to catch ends the session: its `cause`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class NotPlayedError(Exception):
    """The locustfile asks for what only Locust itself has; the message says what to do."""


# What a task leaves by: nothing is wrong with a reply that it leaves after.
LEAVING = (InterruptTaskSet, StopUser, RescheduleTask, RescheduleTaskImmediately, NotPlayedError)
