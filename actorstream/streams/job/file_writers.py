"""The two-phase sinks of a task: written, prepared at a barrier, committed after the decision.

Their I/O is background work.
"""

from __future__ import annotations

from collections.abc import Callable

from actorstream.actors import Context
from actorstream.streams.engine.two_phase_sink import TwoPhaseSinkStage
from actorstream.streams.job.files import FileLane
from actorstream.streams.job.messages import Done, Prepare
from actorstream.streams.job.pending import Pending

Work = Callable[[], None]

RECOVERY = "recovery"
COMMIT = "commit "


class FileWriters:
    """See the module."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._files: list[tuple[TwoPhaseSinkStage, FileLane]] = []
        self._epoch = 0
        self.records = 0  # written so far

    def add(self, stage: TwoPhaseSinkStage, lane: str) -> None:
        """One more sink."""
        self._files.append((stage, FileLane(self._job, lane, stage.sink)))

    def begin(self, context: Context, prepare: Prepare) -> bool:
        """Begin an epoch: commit again what was decided, remove what never will be.

        Gives whether there is work to wait for; `Done` with the token `RECOVERY` tells its end.
        """
        self._epoch = prepare.epoch
        handles = prepare.restore.handles
        work = []
        for _, file in self._files:
            file.begin(prepare.epoch, prepare.first_checkpoint)
            work.append(file.recovery(handles.get(file.name, ())))
        return self._run(context, work, RECOVERY)

    def write_full(self, gathered_max: int) -> None:
        """Write what the sinks have gathered, where it is much."""
        for stage, file in self._files:
            if stage.gathered() >= gathered_max:
                self._write(stage, file)

    def has_gathered(self) -> bool:
        """Whether something waits to be written."""
        return any(stage.gathered() for stage, _ in self._files)

    def seal(self, context: Context, pending: Pending) -> None:
        """The barrier has come: write the rest and make it durable; what follows belongs to the next checkpoint."""
        for stage, file in self._files:
            self._write(stage, file)
            handle, prepare = file.seal(pending.checkpoint)
            if handle is not None:
                pending.handles[file.name] = (handle,)
                token = f"file {file.name}"
                pending.wait(token)
                self._run(context, [prepare], token)

    def commit(self, context: Context, checkpoint: int) -> bool:
        """The checkpoint is decided: make its output visible.

        Gives whether there is work to wait for; `Done` with the token `COMMIT` and the number tells its end.
        """
        work = [one for _, file in self._files for one in file.commits(checkpoint)]
        return self._run(context, work, f"{COMMIT}{checkpoint}")

    def _run(self, context: Context, work: list[Work], token: str) -> bool:
        epoch = self._epoch

        def run() -> None:
            for one in work:
                one()

        if work:
            context.background(run, lambda _: Done(epoch, token))
        return bool(work)

    def _write(self, stage: TwoPhaseSinkStage, file: FileLane) -> None:
        for values in stage.take():
            file.write(values)
            self.records += len(values)
