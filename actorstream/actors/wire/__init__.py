"""What two nodes say to each other: messages as frames, in order and once, between nodes that know each other."""

from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.codec import Codec
from actorstream.actors.wire.links import Links, Peer
from actorstream.actors.wire.parcel import Parcel
from actorstream.actors.wire.values import Values

__all__ = ["BadFrame", "Codec", "Links", "Parcel", "Peer", "Values"]
