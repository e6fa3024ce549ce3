"""Runs of several choices over one world: side by side in processes of their own where it is worth it."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait

from ..errors import SimulationError
from .choice import CHOICES, Rules
from .engine import Engine
from .results import Results
from .scenario import Scenario
from .world import World

WORTH_A_PROCESS = 20_000
"""Visitors; a process takes about a second to start."""

Job = tuple[World, Scenario, Rules, int]


def run_all(
    world: World, scenario: Scenario, rules: Rules, choices: Sequence[str], seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Results]:  # fmt: skip
    """Run each choice over the same world; the figures don't depend on how many processes share the work.

    Args:
        world: who comes.
        scenario: sizes and lines.
        rules: the app's settings.
        choices: names in `CHOICES`.
        seed: of chance.
        progress: hears of so many more visitors that have their app, of `len(choices) * world.visitors`.
    """
    job = world, scenario, rules, seed
    if world.visitors < WORTH_A_PROCESS or len(choices) < 2 or (os.cpu_count() or 1) < 2:  # noqa: PLR2004 - a pair
        return [_run(job, choice, progress) for choice in choices]
    # The first is ViralJS's own, which takes as long as the others together.
    shares = [choices[:1], choices[1:]]
    return _side_by_side(job, shares, progress)


def _run(job: Job, choice: str, progress: Callable[[int], None]) -> Results:
    world, scenario, rules, seed = job
    return Engine(world, scenario, rules, CHOICES[choice], seed, progress).run()


def _side_by_side(job: Job, shares: Sequence[Sequence[str]], progress: Callable[[int], None]) -> list[Results]:
    # Spawned, not forked: the same on every system, and no thread of the caller is cut in two.
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe(duplex=False) for _ in shares]
    workers = [
        context.Process(target=_work, args=(job, share, sender), daemon=True)
        for share, (_, sender) in zip(shares, pipes, strict=True)
    ]
    try:
        for worker, (_, sender) in zip(workers, pipes, strict=True):
            worker.start()
            sender.close()
        results = _collect([receiver for receiver, _ in pipes], progress)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
    return [results[choice] for share in shares for choice in share]


def _collect(receivers: list[Connection], progress: Callable[[int], None]) -> dict[str, Results]:
    results: dict[str, Results] = {}
    while receivers:
        for receiver in wait(receivers):
            assert isinstance(receiver, Connection)  # noqa: S101 - nothing else was given
            try:
                message = receiver.recv()
            except EOFError:
                raise SimulationError("a process of the simulator died; was there too little memory?") from None
            if isinstance(message, Results):
                results[message.choice] = message
            elif message is None:
                receivers.remove(receiver)
            else:
                progress(message)
    return results


def _work(job: Job, choices: Sequence[str], sender: Connection) -> None:
    """Run in a process of its own, and tell by the pipe: numbers of visitors, results, None at the end."""
    gc.disable()  # it makes no cycles; looking for some would take a tenth of the time
    for choice in choices:
        sender.send(_run(job, choice, sender.send))
    sender.send(None)
