"""The file that holds a program, for the processes of workers, which make the plan by themselves."""

from __future__ import annotations

import os
import sys

from actorstream.actors.nodes.loading import load_program
from actorstream.errors import PlanError
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import ProgramFile, Settings
from actorstream.streams.plan.physical import PhysicalPlan
from actorstream.streams.program import Program


def file_of(program: Program) -> ProgramFile:
    """Where other processes find a program.

    Raises:
        PlanError: nowhere: its App was made in a function or in a notebook.
    """
    module = sys.modules.get(program.module)
    file = getattr(module, "__file__", None)
    if module is None or not file:
        why = "was made in a program without a file, such as a notebook"
    elif not any(found is program for found in _programs(vars(module))):
        why = f"is no variable of the module {program.module}, such as one made in a function"
    else:
        return ProgramFile(program.module, os.path.abspath(file))
    raise PlanError(
        f"the app {program.name!r} {why}, and so workers in other processes cannot find it; "
        "make it at the top level of a file, or use workers=1"
    )


def plan_in(file: ProgramFile, job: str) -> PhysicalPlan:
    """The plan of the program of this name, of which this process reads the file if it has not yet.

    Raises:
        PlanError: the file holds no such program.
    """
    try:
        module = load_program(file.module, file.file)
    except Exception as error:
        raise PlanError(f"{file.file} cannot be imported by a worker: {type(error).__name__}: {error}") from error
    program = next((one for one in _programs(vars(module)) if one.name == job), None)
    if program is None:
        raise PlanError(
            f"{file.file} holds no app {job!r} when a worker imports it; make it at the top level of the file, before "
            "anything runs"
        )
    return job_spec(program, Settings()).plan


def _programs(variables: dict[str, object]) -> list[Program]:
    found = [getattr(one, "_program", None) for one in list(variables.values())]
    return [one for one in found if isinstance(one, Program)]
