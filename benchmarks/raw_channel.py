"""Bytes a second of a whole delivery beside a bare data channel, which is the most that any design could have.

The bare channel moves random bytes from memory to memory: two fresh connections a run, one for each message size, made
with complete candidates by way of this process. ViralJS reads, frames, verifies and keeps what it moves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import median

from tests.support.chromium import Chromium
from tests.support.site import Site

from .bundles import incompressible
from .loopback import visitor
from .watch import WATCH, moments

RUNS = 10
SIZE = 20_000_000
MESSAGE_KIB = (64, 256)
"""What ViralJS sends, and the longest message that Chromium takes."""
MEGABYTE = 1_000_000

# Of 256 KiB, 1, 4 and 16 MiB, 1 MiB is the high-water mark that was the fastest here.
BARE = """<script nonce="{{ g.csp_nonce }}">
const HIGH_WATER_BYTES = 1048576;
const connection = new RTCPeerConnection();

async function describe() {
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== "complete")
    await new Promise((resolve) => connection.addEventListener("icegatheringstatechange", resolve, { once: true }));
  return connection.localDescription;
}

function offer(size) {
  const channel = connection.createDataChannel("bare");
  let got = 0;
  let began;
  channel.binaryType = "arraybuffer";
  // What is sent before this event is now and then lost.
  channel.onopen = () => channel.send("go");
  channel.onmessage = ({ data }) => {
    began ??= performance.now();
    got += data.byteLength;
    if (got === size) window.took = performance.now() - began;
  };
  return describe();
}

async function answer(description, size, messageBytes) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  connection.ondatachannel = ({ channel }) => {
    let at = 0;
    function send() {
      for (; at < size && channel.bufferedAmount < HIGH_WATER_BYTES; at += messageBytes)
        channel.send(bytes.subarray(at, at + messageBytes));
    }
    channel.bufferedAmountLowThreshold = HIGH_WATER_BYTES / 2;
    channel.onbufferedamountlow = send;
    channel.onmessage = send;
  };
  await connection.setRemoteDescription(description);
  return describe();
}
</script>"""


def bare_speed(sender: Chromium, recipient: Chromium, site: Site, message_bytes: int) -> float:
    """Move the bytes over a connection of its own; megabytes a second from the first to the last at the recipient."""
    for browser in (sender, recipient):
        browser.visit(site.url("bare"))
    offer = recipient.js(f"offer({SIZE})")
    answer = sender.js(f"answer({json.dumps(offer)}, {SIZE}, {message_bytes})")
    recipient.js(f"connection.setRemoteDescription({json.dumps(answer)})")
    return speed(recipient.wait_for("window.took"))


def viral_speeds(recipient: Chromium, site: Site) -> tuple[float, float]:
    """Deliver the bytes; megabytes a second from the channel's first message, and from the client's start."""
    times = moments(recipient, site.url("viral"))
    return speed(times.verified - times.first_message), speed(times.verified - times.began)


def speed(milliseconds: float) -> float:
    """Give megabytes a second."""
    return SIZE / MEGABYTE / (milliseconds / 1000)


def run(say: Callable[[str], None]) -> None:
    """Measure by turns, in fresh recipients."""
    site = Site()
    site.bundles["app.js"] = incompressible(SIZE)
    site.show("bare", BARE)
    site.show("viral", "{{ viral_script(url_for('bundle', name='app.js')) }}")
    bare: dict[int, list[float]] = {size: [] for size in MESSAGE_KIB}
    channel: list[float] = []
    whole: list[float] = []
    with site.running(), visitor() as sender, visitor() as seeder:
        seeder.visit(site.url("viral")).seeding()
        for _ in range(RUNS):
            for size, speeds in bare.items():
                with visitor() as recipient:
                    speeds.append(bare_speed(sender, recipient, site, size * 1024))
            with visitor([WATCH]) as recipient:
                from_channel, from_start = viral_speeds(recipient, site)
            channel.append(from_channel)
            whole.append(from_start)
    report(say, bare, channel, whole)


def report(say: Callable[[str], None], bare: dict[int, list[float]], channel: list[float], whole: list[float]) -> None:
    """Print the table; the ratios are to the faster kind of bare channel."""
    rival = max(bare, key=lambda size: median(bare[size]))
    rows = {f"bare, messages of {size} KiB": speeds for size, speeds in bare.items()}
    rows["ViralJS from its first message"] = channel
    rows["ViralJS from the client's start"] = whole
    say(f"{SIZE / MEGABYTE:g} MB that no compression shrinks, MB/s, {len(whole)} runs")
    say(
        f"ratio: to the bare channel with messages of {rival} KiB in the same run; ViralJS until its bytes are verified"
    )
    say(f"{'':>34} {'median':>8} {'worst':>8} {'ratio':>8}")
    for name, speeds in rows.items():
        ratio = median(one / other for one, other in zip(speeds, bare[rival], strict=True))
        say(f"{name:>34} {median(speeds):>8.1f} {min(speeds):>8.1f} {ratio:>8.2f}")
