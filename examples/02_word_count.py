"""Word count: lines into words, words into running counts; `collect` runs it in memory and gives a list.

Run it with `python examples/02_word_count.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from actorstream import App, agg

app = App("word-count")

lines = app.stream(["To be, or not to be", "that is the question", "Not to be: that is no answer"])


@lines.flat_map
def words(line: str) -> Iterator[str]:
    """The words of a line, without punctuation."""
    for word in line.lower().split():
        yield word.strip(",.:;!?")


@words.key_by
def word(text: str) -> str:
    """Each word counts by itself."""
    return text


counts = word.aggregate(name="counts", n=agg.count())


def main() -> None:
    """A running count gives a result for each word read; the last of each word is its count."""
    latest = {row.word: row.n for row in app.collect(counts)}
    for text, n in sorted(latest.items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"{n} {text}")


if __name__ == "__main__":
    main()
