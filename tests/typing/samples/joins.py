"""Joins of every kind, as a type checker sees their functions."""

from __future__ import annotations

from datetime import datetime

from actorstream import App, Record, tumbling


class A(Record):
    k: str
    at: datetime


class B(Record):
    k: str
    at: datetime


app = App("joins")
a = app.stream(app.topic("a", A), event_time="at").key_by("k")
b = app.stream(app.topic("b", B), event_time="at").key_by("k")


@a.join(b, within="1s")
def one(left: A, right: B) -> str:
    return left.k + right.k


@a.join(b, within="1s", how="left")
def two(left: A, right: B | None) -> str:
    return left.k


@a.window(tumbling("1s")).join(b.window(tumbling("1s")))
def three(left: A, right: B) -> str:
    return left.k + right.k


@a.window(tumbling("1s")).join(b.window(tumbling("1s")), how="outer")
def four(left: A | None, right: B | None) -> str:
    return "x"


t = app.table(app.topic("c", B), key="k")


@a.join(t, as_of=True)
def five(left: A, right: B | None) -> str:
    return left.k


@a.join(t, how="inner")
def six(left: A, right: B) -> str:
    return left.k


@t.join(t)
def seven(left: B, right: B) -> str:
    return left.k


class Both(Record):
    k: str
    at_right: datetime | None


both = a.window(tumbling("1s")).join(b.window(tumbling("1s")), into=Both, how="left", name="both")


@both.map
def eight(pair: Both) -> str:
    return pair.k


@both.late.map
def nine(late: A | B) -> str:
    return late.k
