"""What the coordinator of a job knows of event time: it paces the sources, and finds out who holds a window open."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from actorstream.actors import Context, Ref
from actorstream.model.instant import Instant
from actorstream.streams.job import messages as m
from actorstream.streams.job.pacing import Pacing, meeting
from actorstream.streams.job.spec import JobSpec, task_id

ASKERS_MAX = 64
"""Questions why a window is open that wait for an answer; more are answered with nothing."""


class Times:
    """See the module.

    Args:
        refs: the tasks of the job.
    """

    def __init__(self, job: JobSpec, refs: Mapping[str, Ref]) -> None:
        self._job = job
        self._refs = refs
        self._asking: deque[_Question] = deque()
        self._number = 0
        free = [task_id(task, one) for task in job.plan.tasks if task.feeds_table for one in range(task.instances)]
        self._free = dict.fromkeys(free)
        self.begin()

    def begin(self) -> None:
        """An epoch begins: nobody has reported yet, and nobody can be asked."""
        plan = self._job.plan
        groups = [
            [task_id(task, instance) for task in map(plan.task, names) for instance in range(task.instances)]
            for names in meeting(plan)
        ]
        self._pacing = Pacing(groups, self._job.settings.max_drift_us)
        self._is_running = False

    def resume(self, context: Context) -> None:
        """All tasks go on: ask them what they have not answered before."""
        self._is_running = True
        for question in self._asking:
            self._put(context, question)

    def on_moved(self, context: Context, moved: m.Moved) -> None:
        """A split has come further, or no longer holds anybody back."""
        for split, limit in self._pacing.on_moved(moved.task, moved.watermark).items():
            if split not in self._free:
                context.send(self._refs[split], m.Pace(moved.epoch, limit))

    def ask(self, context: Context, why: m.WhyOpen) -> None:
        """Somebody asks why what ends then is open: ask all tasks where they are."""
        if len(self._asking) >= ASKERS_MAX:
            context.reply(m.Holders(()))
            return
        self._number += 1
        question = _Question(self._number, why.end, context.sender, len(self._refs))
        self._asking.append(question)
        if self._is_running:
            self._put(context, question)

    def _put(self, context: Context, question: _Question) -> None:
        question.told.clear()
        for ref in self._refs.values():
            context.send(ref, m.TellTime(question.number))

    def on_task_time(self, context: Context, time: m.TaskTime) -> None:
        """A task has said where it is."""
        for question in self._asking:
            if question.number == time.question:
                question.told.append(time)
        while self._asking and self._asking[0].is_answered:
            self._asking.popleft().answer(context)


class _Question:
    def __init__(self, number: int, end: Instant, asker: Ref, tasks: int) -> None:
        self.number, self._end, self._asker, self._tasks = number, end, asker, tasks
        self.told: list[m.TaskTime] = []

    @property
    def is_answered(self) -> bool:
        return len(self.told) == self._tasks

    def answer(self, context: Context) -> None:
        behind = [time for time in self.told if time.watermark < self._end and time.state != m.IDLE]
        sources = [time for time in behind if time.state]
        context.send(self._asker, m.Holders(tuple(sources or behind)))
