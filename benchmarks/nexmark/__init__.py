"""Nexmark: an auction's persons, auctions and bids, and the queries over them that stream processors are compared by.

Source: Tucker, Tufte, Papadimos, Maier, "NEXMark: a benchmark for queries over data streams" (2008), queries 1 to 8;
the others, and the proportions and skews of the events, as in the Nexmark suites of Apache Beam and Flink.
"""
