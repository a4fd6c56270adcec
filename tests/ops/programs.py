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
