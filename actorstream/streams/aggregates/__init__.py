"""What can be computed over a group of records without keeping them: `agg.count()`, `agg.sum("price")`, ...

An aggregate folds the values of one group into an accumulator: a value that can be merged with another of the same kind
and kept in a state. Rows and columns reach the same accumulators, so results do not depend on the way through the
engine, on batch bounds, or on the order of arrival.
"""

from actorstream.streams.aggregates.approximate import approx_distinct
from actorstream.streams.aggregates.base import Aggregate
from actorstream.streams.aggregates.counts import count
from actorstream.streams.aggregates.different import distinct
from actorstream.streams.aggregates.extremes import max, min  # noqa: A004 - the words users expect
from actorstream.streams.aggregates.in_order import collect, first, last
from actorstream.streams.aggregates.own import of
from actorstream.streams.aggregates.quantiles import quantile
from actorstream.streams.aggregates.ranks import top
from actorstream.streams.aggregates.sums import mean, sum  # noqa: A004

__all__ = [
    "Aggregate",
    "approx_distinct",
    "collect",
    "count",
    "distinct",
    "first",
    "last",
    "max",
    "mean",
    "min",
    "of",
    "quantile",
    "sum",
    "top",
]
