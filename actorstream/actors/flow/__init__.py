"""Flow control: channels between actors that carry thousands of records a message, in order, in bounded memory."""

from actorstream.actors.flow.amount import LEAST_WINDOW, NOTHING, Amount
from actorstream.actors.flow.fence import Fence
from actorstream.actors.flow.inlet import Grant, Inlet
from actorstream.actors.flow.messages import CloseChannel, Credit, Data, OpenChannel
from actorstream.actors.flow.outlet import Outgoing, Outlet
from actorstream.actors.flow.pace import HORIZON_US, Pace
from actorstream.actors.flow.receiver import Ended, Receiver, Taken
from actorstream.actors.flow.sender import Sender
from actorstream.actors.flow.turns import Turns

__all__ = [
    "Amount",
    "CloseChannel",
    "Credit",
    "Data",
    "Ended",
    "Fence",
    "Grant",
    "HORIZON_US",
    "Inlet",
    "LEAST_WINDOW",
    "NOTHING",
    "OpenChannel",
    "Outgoing",
    "Outlet",
    "Pace",
    "Receiver",
    "Sender",
    "Taken",
    "Turns",
]
