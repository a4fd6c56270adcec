"""An `OrderedMap` in RocksDB (the extra `rocksdb`): a directory of its own, without a log of its own.

RocksDB keeps what was written last in memory and the rest in sorted files, which threads of its own merge. Its memory
is bounded by the names below, whatever it holds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from actorstream.errors import DiskFull, MissingExtra

WRITE_BUFFER_BYTES = 32 << 20
"""What is written to one map before it goes into a file; up to `WRITE_BUFFERS_MAX` of them wait."""

WRITE_BUFFERS_MAX = 3

BLOCK_CACHE_BYTES = 128 << 20
"""What one map holds of its files in memory: blocks, and what tells where to look."""

OPEN_FILES_MAX = 256
"""Files of one map that are open."""

_METADATA_BLOCK_BYTES = 4096  # Of the parts of a file's index and filter.

_BLOOM_BITS = 10  # Of a key: one of a hundred lookups of a key that is not in a file reads a block of it.


def require_rocksdb() -> None:
    """Check that maps can be opened.

    Raises:
        MissingExtra: the library is not installed.
    """
    if find_spec("rocksdict") is None:
        raise MissingExtra("rocksdict", "rocksdb")


class RocksMap:
    """See the module. `parent`: the directory in which it makes its own."""

    def __init__(self, parent: str) -> None:
        require_rocksdb()
        rocksdict: Any = import_module("rocksdict")  # Its types name as methods what are attributes.

        os.makedirs(parent, exist_ok=True)
        self._path = tempfile.mkdtemp(prefix="map-", dir=parent)
        self._make_batch: Any = rocksdict.WriteBatch
        self._make_read_options: Any = rocksdict.ReadOptions
        self._write_options: Any = rocksdict.WriteOptions()
        self._write_options.disable_wal = True  # After a crash it begins empty.
        self._db: Any = rocksdict.Rdict(self._path, _options(rocksdict))

    def get_all(self, keys: Sequence[bytes]) -> list[bytes | None]:
        found: list[bytes | None] = self._db.get(list(keys))
        return found

    def write(self, entries: Iterable[tuple[bytes, bytes | None]]) -> None:
        batch = self._make_batch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, value in entries:
            if value is None:
                delete(key)
            else:
                put(key, value)
        try:
            self._db.write(batch, self._write_options)
        except Exception as error:  # The library has no class for it.
            if "No space left" in str(error):
                raise DiskFull(self._path) from error
            raise

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        options = self._make_read_options()
        options.set_iterate_upper_bound(end)
        yield from self._db.items(from_key=start, read_opt=options)
        del options  # Until here it holds the bytes of the bound, which the iterator only points to.

    def delete_range(self, start: bytes, end: bytes) -> None:
        self._db.delete_range(start, end, self._write_options)

    def close(self) -> None:
        self._db.close()
        shutil.rmtree(self._path, ignore_errors=True)


def _options(rocksdict: Any) -> Any:
    blocks = rocksdict.BlockBasedOptions()
    blocks.set_block_cache(rocksdict.Cache(BLOCK_CACHE_BYTES))
    blocks.set_bloom_filter(_BLOOM_BITS, False)
    blocks.set_cache_index_and_filter_blocks(True)
    # In parts, for as one each would be larger than a share of the cache, and be read again for every few keys.
    blocks.set_index_type(rocksdict.BlockBasedIndexType.two_level_index_search())
    blocks.set_partition_filters(True)
    blocks.set_metadata_block_size(_METADATA_BLOCK_BYTES)
    blocks.set_pin_top_level_index_and_filter(True)
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(WRITE_BUFFERS_MAX)
    options.set_max_open_files(OPEN_FILES_MAX)
    options.set_compression_type(rocksdict.DBCompressionType.lz4())
    options.set_keep_log_file_num(1)
    return options
