"""`actorstream run FILE[:APP]`: runs a job until it ends or is stopped."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from actorstream.ops.commands.arguments import add_data, add_file, number_from

if TYPE_CHECKING:
    from actorstream.ops.commands.arguments import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "run",
        help="run a program's job",
        description="Runs a job: the log, supervision and checkpoints in this process. Ctrl-C drains, commits and ends "
        "it; the next run goes on from there.",
    )
    add_file(parser)
    parser.add_argument(
        "--workers",
        type=number_from(1),
        default=1,
        metavar="N",
        help="processes for the operators (1: all in this one)",
    )
    parser.add_argument("--checkpoint", default="100ms", metavar="TIME", help="between checkpoints (100ms)")
    parser.add_argument(
        "--until",
        choices=("caught_up", "end"),
        help="caught_up: stop once what is there is processed; end: take it as the whole input, and close every window",
    )
    parser.add_argument(
        "--state", choices=("memory", "rocksdb"), default="memory", help="where state is kept while it runs (memory)"
    )
    add_data(parser)
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> int:
    """Run the job, and show how it is doing."""
    from actorstream.ops.load import load_app
    from actorstream.ops.reach import check_directory
    from actorstream.ops.watch import watch
    from actorstream.streams.job.handle import stopped_by_signals

    app = load_app(options.file)
    check_directory(options.data, create=True)
    job = app.start(
        data=options.data,
        workers=options.workers,
        checkpoint=options.checkpoint,
        until=options.until,
        state=options.state,
    )
    with job, stopped_by_signals(job):
        watch(app, job, options.data)
    return 0
