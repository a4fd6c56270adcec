"""Orders get their prices from a service: several questions at a time, in the order of the orders.

The service is a small server in this program, on this machine. It is slow, and now and then it hangs up; the program
asks again. Run it with `python examples/calling_a_service.py`.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from actorstream import App, Record, retry


class Order(Record):
    """Somebody wants so many of something."""

    id: int
    product: str
    count: int


class Priced(Record):
    """What that costs, in cents."""

    id: int
    total: int


class Shop:
    """Knows what things cost, and says so at a port of its own; a thread runs it."""

    def __init__(self) -> None:
        self.prices = {b"tea": 350, b"coffee": 450, b"cake": 520}
        self.port = 0
        self.asked = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question and its answer; each seventh time nothing."""
        product = (await reader.readline()).strip()
        number = self.asked = self.asked + 1
        await asyncio.sleep(0.02)
        if number % 7:
            writer.write(b"%d\n" % self.prices[product])
        writer.close()

    async def serve(self, ready: threading.Event, stopping: asyncio.Event) -> None:
        """Until it is told to stop."""
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stopping.wait()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Serve within a `with` block."""
        loop, ready, stopping = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
        thread = threading.Thread(target=loop.run_until_complete, args=[self.serve(ready, stopping)])
        thread.start()
        ready.wait()
        yield
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()


async def price_of(product: str, port: int) -> int:
    """Ask the shop.

    Raises:
        ConnectionError: it hung up.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{product}\n".encode())
        answer = await reader.readline()
    finally:
        writer.close()
    if not answer:
        raise ConnectionError("the shop hung up")
    return int(answer)


def program(shop: Shop, orders: list[Order], into: list[Priced]) -> App:
    """Orders in, priced orders out."""
    app = App("prices")

    @app.stream(orders).map(concurrency=10, on_error=retry(times=5, backoff="10ms..1s"))
    async def priced(order: Order) -> Priced:
        async with asyncio.timeout(5):
            return Priced(order.id, order.count * await price_of(order.product, shop.port))

    priced.sink(into.append, name="keep")
    return app


def main() -> None:
    """Price fifty orders, and show the first and the sum."""
    products = ["tea", "coffee", "cake"]
    orders = [Order(number, products[number % 3], 1 + number % 4) for number in range(50)]
    shop = Shop()
    found: list[Priced] = []
    with tempfile.TemporaryDirectory() as directory, shop.open():
        program(shop, orders, found).run(data=directory)

    assert [one.id for one in found] == [order.id for order in orders]
    for one in found[:3]:
        print(f"order {one.id}: {one.total / 100:.2f}")
    print(f"{len(found)} orders, {sum(one.total for one in found) / 100:.2f} in all")
    print("some were asked for again" if shop.asked > len(orders) else "none was asked for again")


if __name__ == "__main__":
    main()
