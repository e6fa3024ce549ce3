"""The site under test as a module, for servers in a process of their own."""

from contextlib import ExitStack

from flask import jsonify

from tests.support.site import Site

site = Site()
listening = ExitStack()
listening.enter_context(site.listening())
app = site.app


@app.get("/books")
def books():
    """What a test can't see from outside: who seeds, and what was decided for the bundle."""
    return jsonify(seeders=site.seeders, kinds=site.kinds())
