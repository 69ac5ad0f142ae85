"""What the proxy costs: steps and megabytes a second through it, against viser's own port in the same run.

Run with `python tests/benchmarks/bench_proxy.py`. A step is one node's new position, sent, received and answered by
another process; the answer is the same for both ways. A load is a splat node of 16 MB, from the call to its last byte.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import time
from multiprocessing.connection import Connection

import aiohttp
import numpy as np

from flux4d_viewer.server import Site, serve
from flux4d_viewer.web.lock import KEY_HEADER

SPLATS = 500_000


def receive(url: str, headers: dict[str, str], answers: Connection) -> None:
    """Another process: reports the size of every message as it arrives."""

    async def listen() -> None:
        async with aiohttp.ClientSession() as session:
            socket = await session.ws_connect(url, protocols=["viser-v1.1.1"], headers=headers, max_msg_size=0)
            async for message in socket:
                answers.send(len(message.data))

    asyncio.run(listen())


def take(answers: Connection, size: int = 0) -> None:
    """Wait for the next message of at least this many bytes."""
    while True:
        if not answers.poll(30):
            raise TimeoutError("nothing came for 30 s")
        if answers.recv() >= size:
            return


def drain(answers: Connection) -> None:
    while answers.poll(1.0):
        answers.recv()


def measure(site: Site, url: str, headers: dict[str, str], steps: int, loads: int) -> tuple[float, float, float]:
    """Median and 95th percentile of a step (ms), and megabytes a second of the loads (median)."""
    ours, theirs = multiprocessing.Pipe()
    client = multiprocessing.get_context("spawn").Process(target=receive, args=(url, headers, theirs), daemon=True)
    client.start()
    take(ours)
    drain(ours)
    frame = site.server.scene.add_frame("/frame")
    drain(ours)
    seconds = []
    for step in range(steps):
        began = time.perf_counter()
        frame.position = (float(step + 1), 0.0, 0.0)
        site.server.flush()
        take(ours)
        seconds.append(time.perf_counter() - began)
    drain(ours)
    rates = []
    dice = np.random.default_rng(0)
    centers = dice.normal(size=(SPLATS, 3)).astype(np.float32)
    for _ in range(loads):
        began = time.perf_counter()
        site.server.scene.add_gaussian_splats(
            "/splats",
            centers,
            np.tile(np.eye(3, dtype=np.float32), (SPLATS, 1, 1)),
            np.zeros((SPLATS, 3), dtype=np.uint8),
            np.ones((SPLATS, 1), dtype=np.float32),
        )
        site.server.flush()
        take(ours, 32 * SPLATS)
        rates.append(32 * SPLATS / 1e6 / (time.perf_counter() - began))
        site.server.scene.remove_by_name("/splats")
        drain(ours)
    client.terminate()
    client.join()
    low, high = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    return 1e3 * low, 1e3 * high, statistics.median(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--loads", type=int, default=5)
    arguments = parser.parse_args()
    site = serve("127.0.0.1", 0)
    key = site.proxy._key
    ways = {
        "viser's own port": (f"http://127.0.0.1:{site.server.get_port()}/", {KEY_HEADER: key}),
        "through the proxy": (site.url.rstrip("/"), {}),
    }
    print(f"{'':20}{'step, median':>14}{'step, 95 %':>14}{'steps/s':>12}{'MB/s':>10}")
    for name, (url, headers) in ways.items():
        median, high, rate = measure(site, url, headers, arguments.steps, arguments.loads)
        print(f"{name:20}{median:11.2f} ms{high:11.2f} ms{1e3 / median:12.0f}{rate:10.0f}")
    site.stop()


if __name__ == "__main__":
    main()
