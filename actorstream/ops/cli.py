"""The command line: `actorstream COMMAND ...`.

Guarantees: standard output carries data only, words go to standard error. The exit status is 0 when a command is done
or was interrupted, 1 when a job failed, 2 for a person's mistake, which is told in at most six lines. Leaves to others:
what each command does (`commands`), and the libraries that only some of them need, which are imported when they run.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from actorstream.errors import ActorstreamError
from actorstream.ops.commands import actors, checkpoints, consume, demo, explain, groups, node, produce, run, topics
from actorstream.ops.interrupts import Interrupted, interruptible
from actorstream.ops.show import problem

COMMANDS = (demo, run, explain, topics, groups, checkpoints, actors, produce, consume, node)

MISTAKE = 2
_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.ENAMETOOLONG)
"""Failures of files that a person can do something about."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those of the command line, without the program's name; None: the process's own.

    Returns:
        The exit status.
    """
    try:
        with interruptible():
            options = _parser().parse_args(arguments)
            status: int = options.act(options)
            sys.stdout.flush()
            return status
    except Interrupted:
        return 0
    except BrokenPipeError:
        _forget_output()
        return 0
    except ActorstreamError as error:
        print(problem(error), file=sys.stderr)
        return error.exit_status
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        _forget_output()
        print(f"actorstream: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        return MISTAKE


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; see: {self.prog} --help", file=sys.stderr)
        raise SystemExit(MISTAKE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="actorstream", description="A persistent log and an exactly-once stream processor in one package."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser


def _forget_output() -> None:
    """Nobody reads standard output any more; what is left in its buffer must not fail again when Python ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return  # It is no file, so it has no such buffer.
