"""What two nodes say to each other: messages as frames, in order and once, between nodes that know each other."""

from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.carried import Carried
from actorstream.actors.wire.codec import Codec
from actorstream.actors.wire.links import Links, Peer
from actorstream.actors.wire.parcel import Parcel
from actorstream.actors.wire.shapes import Check, check_of_all
from actorstream.actors.wire.values import Values

__all__ = ["BadFrame", "Carried", "Check", "Codec", "Links", "Parcel", "Peer", "Values", "check_of_all"]
