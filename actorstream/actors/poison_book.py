"""Carries out what becomes of poison, and keeps the counts of deliveries on disk.

Guarantees: a count that is on disk was true. A count that cannot be kept, or read, is reported, and stops nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.message import Message
from actorstream.actors.poison import Poison, PoisonCounts, decode, delivery_of, encode
from actorstream.errors import ActorstreamError, Poisoned
from actorstream.host.disk import Disk, make_durable_dir, read_bytes, replace_bytes
from actorstream.host.logs import logger

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell

FOLDER = "actors"
PATH = f"{FOLDER}/poison"


class PoisonBook:
    """See the module.

    Args:
        disk: where the counts are kept; None: only in memory.

    Attributes:
        skipped: how many messages were skipped.
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self.skipped = 0
        self._disk = disk
        self._counts: PoisonCounts | None = None  # Read when the first message crashes somebody.

    def on_crash(self, cell: Cell, rule: Poison, error: BaseException, message: Message) -> BaseException:
        """`message` crashed `cell` with `error`: deliver it again, or not; returns what the actor fails with."""
        if self._counts is None:
            self._counts = self._read()
        count = self._counts.crashed(cell.path, message)
        if self._disk is not None and delivery_of(message) is not None:
            self._write(self._disk, self._counts)
        if count < rule.times:
            cell.put_back(message, cell.context.sender)
            return error
        self._counts.settled(cell.path, message)
        return self._give_up(cell, rule, error, message, count)

    def _give_up(self, cell: Cell, rule: Poison, error: BaseException, message: Message, count: int) -> BaseException:
        kind = type(message).__name__
        match rule.then:
            case "skip":
                self.skipped += 1
                logger().warning("poison skipped", actor=cell.path, message=kind, crashes=count)
                return error
            case "dead_letter":
                sender = cell.context.sender.path
                cell.kernel.dead_letters.add(cell.path, message, sender, f"it crashed its actor {count} times", error)
                return error
            case "stop":
                poisoned = Poisoned(f"{cell.path} was crashed {count} times by the same {kind}, so it stays down")
                poisoned.__cause__ = error
                return poisoned

    def _read(self) -> PoisonCounts:
        if self._disk is None or not self._disk.exists(PATH):
            return PoisonCounts()
        try:
            return PoisonCounts(decode(read_bytes(self._disk, PATH)))
        except (ActorstreamError, OSError) as error:
            logger().error("counts of poison unreadable", path=PATH, exc_info=error)
            return PoisonCounts()

    def _write(self, disk: Disk, counts: PoisonCounts) -> None:
        try:
            make_durable_dir(disk, FOLDER)
            replace_bytes(disk, PATH, encode(counts.entries()))
        except (ActorstreamError, OSError) as error:
            logger().error("counts of poison not kept", path=PATH, exc_info=error)
