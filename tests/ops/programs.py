"""Programs for the commands to run, as text."""

NUMBERS = """
from actorstream import App, Record

class Number(Record):
    n: int

app = App("doubling")
numbers = app.topic("numbers", Number, partitions=2)
doubled = app.topic("doubled", Number)

@app.stream(numbers).map
def double(number: Number) -> Number:
    return Number(number.n * 2)

double.to(doubled)
"""

INVERSE = NUMBERS.replace("number.n * 2", "100 // number.n")
"""Fails on zero."""

SLOW_TO_LOAD = """
import sys, time
print("loading", flush=True)
time.sleep(600)
"""

STUCK = NUMBERS.replace(
    "return Number(number.n * 2)", 'print("stuck", flush=True); import time; time.sleep(600); return number'
)
"""Its operator never returns."""

TUMBLING = """
from datetime import datetime
from actorstream import App, Record, agg, tumbling

class Tick(Record):
    at: datetime

app = App("ticks")
ticks = app.topic("ticks", Tick)
counts = app.topic("counts")
app.stream(ticks, event_time="at", idle="1h").key_by(lambda tick: "all", name="who").window(
    tumbling("10s")
).aggregate(name="counted", n=agg.count()).to(counts)
"""
