"""Opens a file to read from an offset; what can be wrong with it is one clear line."""

from __future__ import annotations

import os
from typing import BinaryIO

from actorstream.errors import BadInput


def open_file(path: str, offset: int) -> BinaryIO:
    """The file, open for reading at `offset`.

    Raises:
        BadInput: it cannot be opened, or ends before the offset.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - a pass closes it.
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from error
    size = os.fstat(file.fileno()).st_size
    if size < offset:
        file.close()
        raise BadInput(
            f"{path} has {size} bytes, but the job has read {offset} bytes of it; put the file back as it was, or "
            "start the job in a new data directory"
        )
    file.seek(offset)
    return file
