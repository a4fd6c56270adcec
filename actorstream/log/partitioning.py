"""Which partition a key goes to: the same as with Kafka's own clients, so that both agree.

Source: murmur2 (Appleby, 2008) with the seed of Kafka's `DefaultPartitioner`.
"""

from __future__ import annotations

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995
_SEED = 0x9747B28C


def murmur2(data: bytes) -> int:
    """The 32-bit hash, unsigned."""
    length = len(data)
    state = (_SEED ^ length) & _MASK
    whole = length & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        word = (word ^ (word >> 24)) * _M & _MASK
        state = (state * _M & _MASK) ^ word
    rest = data[whole:]
    if rest:
        state = (state ^ int.from_bytes(rest, "little")) * _M & _MASK
    state = (state ^ (state >> 13)) * _M & _MASK
    return state ^ (state >> 15)


def partition_for_key(key: bytes, partitions: int) -> int:
    """The partition, in [0, partitions).

    Example:
        >>> partition_for_key(b"JFK", 4) == partition_for_key(b"JFK", 4)
        True
    """
    return (murmur2(key) & 0x7FFFFFFF) % partitions
