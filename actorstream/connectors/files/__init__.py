"""Files as sources and sinks: JSON lines, CSV and Parquet."""

from actorstream.connectors.files.files import Files, csv, jsonl, parquet

__all__ = ["Files", "csv", "jsonl", "parquet"]
