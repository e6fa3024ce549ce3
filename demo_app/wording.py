"""How the demo speaks in a terminal: sizes, deliveries, and the sum of it all. No more than text."""

from __future__ import annotations

from .swarm import Swarm, Visitor

KILO = 1_000
LEFT_COLUMN = 46


def in_bytes(count: float) -> str:
    """Write a number of bytes with three digits or so: `812 B`, `11.6 kB`, `4.82 MB`."""
    if count < KILO:
        return f"{count:.0f} B"
    if count < KILO * KILO:
        return f"{count / KILO:.1f} kB"
    return f"{count / KILO / KILO:.2f} MB"


def counted(count: int, noun: str) -> str:
    """Write a number with its noun: `1 peer`, `2 peers`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def delivery_line(visitor: Visitor) -> str:
    """Tell one delivery: whose, from where, how long, and what it took from the origin."""
    parts = []
    if visitor.from_peers:
        peers = counted(len(visitor.from_peers), "peer")
        parts.append(f"{in_bytes(sum(visitor.from_peers.values()))} from {peers}")
    if visitor.from_server:
        parts.append(f"{in_bytes(visitor.from_server)} from the server")
    if visitor.from_cache:
        parts.append(f"{in_bytes(visitor.from_cache)} from its cache")
    seconds = "" if visitor.milliseconds is None else f" in {visitor.milliseconds / 1_000:.2f} s"
    kind = f"{visitor.kind}, then direct" if visitor.kind == "thin" and visitor.from_server else visitor.kind
    left = f"visitor {visitor.number}  {', '.join(parts)}{seconds}"
    return f"{left:<{LEFT_COLUMN}}  origin sent {in_bytes(visitor.origin_bytes)} ({kind})"


def summary(swarm: Swarm) -> str:
    """Tell what all visitors together took from the origin and from each other, and who gave what to whom."""
    visitors = swarm.visitors()
    # Here nobody has a cache to take it from, so that each of them is a copy.
    plain = swarm.size * len(visitors)
    saved = plain - swarm.sent
    given = [(f"visitor {peer}", v.number, count) for v in visitors for peer, count in sorted(v.from_peers.items())]
    served = [("origin", v.number, v.from_server) for v in visitors if v.from_server]
    from_peers = sum(count for _, _, count in given)
    flows = [f"  {source:<10} -> visitor {number}  {in_bytes(count)}" for source, number, count in served + given]
    return "\n".join(
        [
            f"{counted(len(visitors), 'visitor')} got {in_bytes(swarm.size)} each. The origin sent"
            f" {in_bytes(swarm.sent)} in all ({swarm.sent:,} bytes), where plain HTTP sends {in_bytes(plain)}:"
            f" {in_bytes(saved)} saved, {saved / plain:.1%}.",
            f"{from_peers / plain:.1%} of the bundle's bytes came from peers; with one copy from the origin it can be"
            f" {1 - 1 / len(visitors):.1%}. Who gave to whom:",
            *flows,
        ]
    )
