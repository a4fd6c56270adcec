"""What a task on another node is made from: data, and the program that the node has itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from actorstream.errors import PlanError
from actorstream.host import Host
from actorstream.streams.job.program_file import plan_in
from actorstream.streams.job.spec import JobSpec, ProgramFile, Settings, TaskSpec, task_specs
from actorstream.streams.plan.physical import PhysicalPlan


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """One instance of a task, to be made where the program is known. `home`: the path of the job's coordinator."""

    job: str
    plan_hash: str
    task: str  # the instance's identity in the job
    home: str
    settings: Settings
    program: ProgramFile | None = None


def order_of(spec: TaskSpec, home: str) -> TaskOrder:
    """What another node needs to make this instance."""
    return TaskOrder(spec.job.name, spec.job.plan.plan_hash, spec.id, home, spec.job.settings, spec.job.program)


def spec_of(order: TaskSpec | TaskOrder, host: Host) -> TaskSpec:
    """What is to be made, with the program as this node has it.

    Raises:
        PlanError: it has no such program, or another version of it.
    """
    if isinstance(order, TaskSpec):
        return order
    file = order.program
    try:
        plan = host.programs.find(order.job, None if file is None else partial(plan_in, file, order.job))
    except LookupError:
        raise PlanError(f"job {order.job!r}: a node does not have this program; install it there, too") from None
    assert isinstance(plan, PhysicalPlan)
    if plan.plan_hash != order.plan_hash:
        raise PlanError(
            f"job {order.job!r}: a node has another version of this program (plan {plan.plan_hash}, and the job's is "
            f"{order.plan_hash}); start all nodes with the same files"
        )
    job = JobSpec(order.job, plan, (), order.settings)
    return next(spec for spec in task_specs(job, order.home) if spec.id == order.task)
