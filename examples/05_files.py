"""Files: JSON lines in, CSV out, each part file visible only once its checkpoint is decided.

However often the job is killed and started again, `totals/` holds each result once. Run it with
`python examples/05_files.py`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from actorstream import App, Record, agg, tumbling
from actorstream.connectors import files


class Sale(Record):
    """Something was sold."""

    shop: str
    cents: int
    at: datetime


class Total(Record):
    """What a shop sold in an hour."""

    shop: str
    start: datetime
    sales: int
    cents: int


app = App("hourly-totals")

sales = app.stream(files.jsonl("sales", Sale), name="sales", event_time="at", max_delay="10m")
hourly = sales.key_by("shop").window(tumbling("1h"))
totals = hourly.aggregate(Total, name="totals", sales=agg.count(), cents=agg.sum("cents"))
totals.to(files.csv("totals", Total))


def main() -> None:
    """Write two files, run the job to their end, read what it wrote."""
    Path("sales").mkdir(exist_ok=True)
    Path("sales/morning.jsonl").write_text(
        '{"shop": "mill", "cents": 250, "at": "2024-01-01T09:10:00Z"}\n'
        '{"shop": "quay", "cents": 400, "at": "2024-01-01T09:40:00Z"}\n'
        '{"shop": "mill", "cents": 150, "at": "2024-01-01T09:50:00Z"}\n'
    )
    Path("sales/noon.jsonl").write_text('{"shop": "mill", "cents": 999, "at": "2024-01-01T12:00:00Z"}\n')

    app.run()

    lines = [line for part in sorted(Path("totals").glob("*.csv")) for line in part.read_text().splitlines()[1:]]
    for line in sorted(lines):
        print(line)


if __name__ == "__main__":
    main()
