"""Tasks and sets of tasks, as a locustfile declares them: by decorator, in a list with weights, nested, in sequence.

A random set is left after so many tasks as the session plays; a sequence after one pass. Weights, `interrupt` and what
goes before what are Locust's: https://docs.locust.io/en/stable/writing-a-locustfile.html
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

from loadtests.locustfiles.exceptions import (
    InterruptTaskSet,
    LocustError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopUser,
    VisitOverError,
)
from loadtests.locustfiles.visit import Visit

Task = Any  # a function of the set or of the user, or a set of tasks
_WEIGHT, _TAGS = "locust_task_weight", "locust_tag_set"
_MOST_WEIGHT, _MOST_SCHEDULED = 10_000, 100


def task(weight: Any = 1) -> Any:  # noqa: ANN401 - with or without parentheses
    """Mark a method or a nested set as a task, which is drawn as often as its weight says."""
    if callable(weight):
        return task(1)(weight)

    def mark(marked: Any) -> Any:  # noqa: ANN401 - a function or a class
        setattr(marked, _WEIGHT, weight)
        return marked

    return mark


def tag(*tags: str) -> Callable[[Any], Any]:
    """Give a task, or each task of a set, tags by which `tags` and `exclude_tags` of targets.yaml choose."""
    if not tags or callable(tags[0]):
        raise ValueError("@tag needs a name: @tag('checkout')")

    def mark(marked: Any) -> Any:  # noqa: ANN401 - a function or a class
        if is_set(marked):
            marked.tasks = [mark(one) for one in marked.tasks]
        else:
            setattr(marked, _TAGS, getattr(marked, _TAGS, frozenset()) | set(tags))
        return marked

    return mark


def is_set(one: object) -> bool:
    """Whether a task is a set of tasks."""
    return isinstance(one, type) and hasattr(one, "tasks")


def declared(bases: Iterable[type], names: Mapping[str, Any]) -> list[Task]:
    """Return the tasks of a class, each as often as its weight says: its bases', those of `tasks`, its own."""
    found: list[Task] = [one for base in bases for one in getattr(base, "tasks", None) or ()]
    found += _listed(names.get("tasks"))
    for one in names.values():
        found += [one] * _weight_of(one)
    return found


def declared_in_order(bases: Iterable[type], names: Mapping[str, Any]) -> list[Task]:
    """Return the tasks of a sequence in the order in which they are written."""
    found: list[Task] = [one for base in bases for one in getattr(base, "tasks", None) or ()]
    for name, one in names.items():
        found += _listed(one) if name == "tasks" else [one] * _weight_of(one)
    return found


def keep_tagged(holder: Any, tags: frozenset[str], excluded: frozenset[str]) -> None:  # noqa: ANN401 - a user or a set
    """Take out of a user, or a set of tasks, what the tags leave out."""
    holder.tasks = [one for one in holder.tasks if _is_kept(one, tags, excluded)]


def _is_kept(one: Task, tags: frozenset[str], excluded: frozenset[str]) -> bool:
    if is_set(one):
        keep_tagged(one, tags, excluded)
        return bool(one.tasks)
    own: frozenset[str] = getattr(one, _TAGS, frozenset())
    return (not tags or bool(own & tags)) and not own & excluded


def _weight_of(one: object) -> int:
    weight = getattr(one, _WEIGHT, 0)
    if not isinstance(weight, int) or not 0 <= weight <= _MOST_WEIGHT:
        raise ValueError(f"the weight of a task must be a whole number from 1 to {_MOST_WEIGHT}, found {weight!r}")
    return weight


def _listed(tasks: Any) -> list[Task]:  # noqa: ANN401 - a list, a list of pairs, or a mapping
    found: list[Task] = []
    for one in tasks.items() if isinstance(tasks, Mapping) else tasks or ():
        member, weight = one if isinstance(one, tuple) else (one, 1)
        if not isinstance(weight, int) or not 0 <= weight <= _MOST_WEIGHT:
            raise ValueError(f"tasks: a weight must be a whole number up to {_MOST_WEIGHT}, found {weight!r}")
        found += [member] * weight
    return found


class Budget:
    """How many more tasks are drawn; once there are none the session is over, or only a set within a sequence."""

    __slots__ = ("ends_visit", "left", "scheduled")

    def __init__(self, left: int, *, ends_visit: bool) -> None:
        self.left, self.scheduled, self.ends_visit = left, 0, ends_visit

    @property
    def is_over(self) -> bool:
        """Whether it is used up: tasks that schedule one another for ever are, too."""
        return self.scheduled > _MOST_SCHEDULED


class TaskSetMeta(type):
    """Collects a set's tasks."""

    def __new__(mcs, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> "TaskSetMeta":
        """Make the class."""
        names["tasks"] = declared(bases, names)
        return super().__new__(mcs, name, bases, names)


class TaskSet(metaclass=TaskSetMeta):
    """A set of tasks, drawn one after the other until a task interrupts it or the session is over."""

    tasks: ClassVar[list[Task]] = []
    min_wait = max_wait = wait_function = None

    def __init__(self, parent: Any) -> None:  # noqa: ANN401 - a user or a set
        self._parent = parent
        self._user = parent.user if isinstance(parent, TaskSet) else parent
        self._task_queue: deque[Task] = deque()
        self._visit: Visit = self._user.visit
        self._paced_at_s = self._visit.now_s()
        self._budget = self._budget_in(parent)

    @property
    def user(self) -> Any:  # noqa: ANN401 - the user's class is the locustfile's
        """The user that plays it."""
        return self._user

    @property
    def parent(self) -> Any:  # noqa: ANN401 - a user or a set
        """The set that it is nested in, or the user."""
        return self._parent

    @property
    def client(self) -> Any:  # noqa: ANN401 - what the user calls its client
        """The user's client."""
        return self._user.client

    def on_start(self) -> None:
        """Do what comes before its first task; nothing, unless given."""

    def on_stop(self) -> None:
        """Do what comes after its last task; nothing, unless given."""

    def run(self) -> None:
        """Play its tasks; leaves by RescheduleTask… when it was interrupted, else when the session is over."""
        try:
            self._play()
        except InterruptTaskSet as interrupt:
            self.on_stop()
            raise (RescheduleTaskImmediately if interrupt.reschedule else RescheduleTask) from interrupt
        except (StopUser, VisitOverError):
            self.on_stop()
            raise

    def interrupt(self, reschedule: bool = True) -> None:  # noqa: FBT001, FBT002 - Locust's signature
        """Leave the set; the parent goes on at once, or after its wait without `reschedule`."""
        raise InterruptTaskSet(reschedule)

    def schedule_task(self, task_callable: Task, first: bool = False) -> None:  # noqa: FBT001, FBT002 - Locust's signature
        """Play a task next, after those that wait already, or before them."""
        if first:
            self._task_queue.appendleft(task_callable)
        else:
            self._task_queue.append(task_callable)

    def get_next_task(self) -> Task:
        """Return the task to play next."""
        return self._visit.choose(self._tasks())

    def execute_next_task(self) -> None:
        """Play the task that waits."""
        self.execute_task(self._task_queue.popleft())

    def execute_task(self, task: Task) -> None:
        """Play a task: a method, a function that is given the set, or a nested set."""
        if is_set(task):
            task(self).run()
        elif getattr(task, "__self__", None) is self:
            task()
        else:
            task(self)

    def wait_time(self) -> float:
        """Return how long to wait between two tasks: what the user says, unless given."""
        waited: float = self._user.wait_time()
        return waited

    def wait(self) -> None:
        """Wait for as long as wait_time says."""
        self._visit.pause(self.wait_time())

    def _sleep(self, seconds: float) -> None:
        self._visit.pause(seconds)

    def _tasks(self) -> Sequence[Task]:
        if not self.tasks:
            raise LocustError(f"{type(self).__name__} has no task: mark one with @task, or set tasks = [...]")
        return self.tasks

    def _budget_in(self, parent: Any) -> Budget:  # noqa: ANN401 - a user or a set
        """Return what it draws from: its parent's, and of its own where the parent is a sequence."""
        own = parent.nested_budget() if isinstance(parent, TaskSet) else parent.budget
        return own or Budget(self._visit.length(), ends_visit=False)

    def nested_budget(self) -> Budget | None:
        """Return what a set that is nested in it draws from, None for one of its own."""
        return self._budget

    def _play(self) -> None:
        self.on_start()
        while True:
            before = self._budget.left, self._budget.scheduled
            if self._task_queue:
                self._budget.scheduled += 1
            else:
                self.schedule_task(self._next())
            try:
                self.execute_next_task()
            except RescheduleTaskImmediately:
                if before == (self._budget.left, self._budget.scheduled):
                    self._budget.left -= 1  # a nested set that was left before its first task
                self._end_if_over()
                continue
            except RescheduleTask:
                pass
            self._end_if_over()
            self.wait()

    def _next(self) -> Task:
        chosen = self.get_next_task()
        if not is_set(chosen) or issubclass(chosen, SequentialTaskSet):
            self._budget.left -= 1  # the tasks of a nested set count themselves, and a sequence is one
        return chosen

    def _end_if_over(self) -> None:
        if self._budget.is_over or (self._budget.left <= 0 and not self._task_queue):
            raise VisitOverError if self._budget.ends_visit else InterruptTaskSet


class SequentialTaskSetMeta(TaskSetMeta):
    """Collects a sequence's tasks, in the order in which they are written."""

    def __new__(mcs, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> "SequentialTaskSetMeta":
        """Make the class."""
        names["tasks"] = declared_in_order(bases, names)
        return type.__new__(mcs, name, bases, names)


class SequentialTaskSet(TaskSet, metaclass=SequentialTaskSetMeta):
    """Tasks that are played one after the other, once; Locust would begin again, and so never leave it either."""

    def __init__(self, parent: Any) -> None:  # noqa: ANN401 - a user or a set
        super().__init__(parent)
        self._budget = Budget(len(self.tasks), ends_visit=True)
        self._place = 0

    def get_next_task(self) -> Task:
        """Return the next one in the sequence."""
        tasks = self._tasks()
        self._place += 1
        return tasks[(self._place - 1) % len(tasks)]

    def nested_budget(self) -> Budget | None:
        """Return nothing: a set within a sequence draws from its own."""
        return None

    def _next(self) -> Task:
        self._budget.left -= 1
        return self.get_next_task()


class UserTaskSet(TaskSet):
    """The tasks of a user itself, which are given the user."""

    def execute_task(self, task: Task) -> None:
        """Play a task: a function of the user, or a set."""
        if is_set(task):
            task(self._user).run()
        else:
            task(self._user)

    def _tasks(self) -> Sequence[Task]:
        tasks: Sequence[Task] = self._user.tasks
        if not tasks:
            raise LocustError(f"{type(self._user).__name__} has no task: mark one with @task, or set tasks = [...]")
        return tasks

    def _budget_in(self, parent: Any) -> Budget:  # noqa: ANN401 - a user
        """One pass where there is nothing but sequences, else as many tasks as the session plays."""
        sequences = all(is_set(one) and issubclass(one, SequentialTaskSet) for one in parent.tasks)
        parent.budget = Budget(1 if parent.tasks and sequences else self._visit.length(), ends_visit=True)
        return cast("Budget", parent.budget)
