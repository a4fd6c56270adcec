"""Spark Structured Streaming: SQL functions over columns, local on two threads, one micro-batch of all that is there.

Exactly-once into files, with its checkpoint directory; `availableNow` takes the whole file as one batch, so there is
one checkpoint. The time is without the start of its session, which takes seconds. The last windows stay open, because
nothing that comes later closes them. A running mean by a Python function would give a result for each batch and key,
not for each record. So it has no "mean".
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

SCHEMA = "auction BIGINT, price DOUBLE, at TIMESTAMP, ms BIGINT"


def as_map(bids: Any) -> Any:
    return bids.select(f.col("auction").alias("key"), (f.col("price") * 0.908).alias("value"))


def as_filter(bids: Any) -> Any:
    return bids.where(f.col("price") > 150).select(f.col("auction").alias("key"), f.col("price").alias("value"))


def as_sliding(bids: Any) -> Any:
    window = f.window("at", "10 seconds", "2 seconds")
    return bids.groupBy(window, "auction").agg(f.count("*").alias("value")).select("auction", "value")


def as_tumbling(bids: Any) -> Any:
    window = f.window("at", "10 seconds")
    return bids.groupBy(window, "auction").agg(f.max("price").alias("value")).select("auction", "value")


def as_join(bids: Any, views: Any) -> Any:
    sides = [
        side.select(f.window("at", "10 seconds").alias("window"), "auction", f.col("price").alias(name))
        for name, side in (("one", bids), ("other", views))
    ]
    pairs = sides[0].join(sides[1], ["window", "auction"])
    return pairs.select(f.col("auction").alias("key"), (f.col("one") + f.col("other")).alias("value"))


WORKLOADS = {"map": as_map, "filter": as_filter, "sliding": as_sliding, "tumbling": as_tumbling}


def main(workload: str, source: str, target: str) -> None:
    builder: Any = SparkSession.builder
    spark = (
        builder.master("local[2]")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    start = time.perf_counter()

    def read(name: str) -> Any:
        lines = spark.readStream.schema(SCHEMA).option("pathGlobFilter", f"{name}.jsonl").json(source)
        return lines.withWatermark("at", "10 seconds") if workload in ("sliding", "tumbling", "join") else lines

    answers = as_join(read("bids"), read("views")) if workload == "join" else WORKLOADS[workload](read("bids"))
    with tempfile.TemporaryDirectory(dir=source) as checkpoints:
        query = answers.writeStream.format("json").option("path", target).option("checkpointLocation", checkpoints)
        query.outputMode("append").trigger(availableNow=True).start().awaitTermination()
        seconds = time.perf_counter() - start
        spark.stop()
    print(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
