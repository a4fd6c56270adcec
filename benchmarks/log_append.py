"""Appending 1-KB records to a topic in batches, against writing the same bytes to a file with the same flush setting.

Both make what they wrote durable every 50 ms. Ours encodes the records, checks each batch's CRC, numbers it and indexes
it; up to eight appends are under way at a time, as with any producer. The floor writes bytes that are ready.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from pathlib import Path

from actorstream.log.client import (
    Append,
    CreateTopic,
    EmbeddedLog,
    ListOffsets,
    catalogue_ref,
    encode_records,
    partition_ref,
)
from actorstream.model.topic import TopicSpec
from benchmarks.harness import Pair, measure

RECORD_BYTES = 1_000
BATCH_RECORDS = 1_000
BATCHES = 300
FLUSH_SECONDS = 0.05
IN_FLIGHT = 8

VALUES = [os.urandom(RECORD_BYTES) for _ in range(BATCH_RECORDS)]
TIMES = [1_700_000_000_000] * BATCH_RECORDS


def floor(directory: str) -> int:
    data = encode_records(TIMES, None, VALUES)
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        last = time.perf_counter()
        for _ in range(BATCHES):
            file.write(data)
            if time.perf_counter() - last >= FLUSH_SECONDS:
                os.fdatasync(file.fileno())
                last = time.perf_counter()
        os.fdatasync(file.fileno())
    return BATCHES * BATCH_RECORDS


def work(directory: str) -> int:
    log = EmbeddedLog.open(tempfile.mkdtemp(dir=directory), flush="interval")
    try:
        log.system.ask(catalogue_ref(), CreateTopic(TopicSpec("bench")))
        partition = partition_ref("bench", 0)
        under_way: deque[object] = deque()
        for _ in range(BATCHES):
            append = Append(encode_records(TIMES, None, VALUES))
            under_way.append(log.system.ask_future(partition, append, "10s"))
            if len(under_way) == IN_FLIGHT:
                under_way.popleft().result()  # type: ignore[attr-defined]
        while under_way:
            under_way.popleft().result()  # type: ignore[attr-defined]
        return int(log.system.ask(partition, ListOffsets()).high_watermark)  # type: ignore[attr-defined]
    finally:
        log.close()


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
        pair = Pair("log append", lambda: work(directory), lambda: floor(directory), BATCHES * BATCH_RECORDS, 0.40)
        measure(pair)


if __name__ == "__main__":
    main()
