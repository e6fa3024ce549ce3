"""Blinker signals: what an app can listen to. The sender of each is the Flask app.

response_decided   url, digest (str or None), kind ("full", "thin", "untouched"), reason (str or None),
                   size (bytes of the response's body, or None where it is not known)
seeder_joined      peer, digest
seeder_left        peer, digest
delivery_reported  report (a `viraljs.messages.Report`), recipient, digest
peer_rejected      peer, code, reason
"""

from blinker import Namespace

_signals = Namespace()

response_decided = _signals.signal("viraljs-response-decided")
seeder_joined = _signals.signal("viraljs-seeder-joined")
seeder_left = _signals.signal("viraljs-seeder-left")
delivery_reported = _signals.signal("viraljs-delivery-reported")
peer_rejected = _signals.signal("viraljs-peer-rejected")
