"""What the log says of a bundle that peers could deliver, if the site's author changed a line. Pure.

Reasons that are a visitor's own matter (a crawler, a conditional request, data saving) are not here. Those that need a
closer look speak for themselves where they are found: who makes a response personal, what a visitor's browser reported.
"""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "media-type": "its Content-Type is not JavaScript; return it with mimetype='text/javascript'",
    "charset": "its charset is none that ASCII reads as itself in; serve it as UTF-8",
    "plain-http": (
        "browsers tell so little on plain http that only a tag by viral_script is known for one; write the tag with it,"
        " or serve by https"
    ),
    "encoded": "its view compresses it; return it uncompressed, and let an extension or a proxy compress it",
    "authorization": (
        "the request has Authorization, so that its answer may be its sender's alone; serve it where no login is asked"
    ),
    "private": "its view says Cache-Control: private; say public, if it is the same for everybody",
    "no-store": "its view says Cache-Control: no-store; leave that out, if it may be kept",
    "buffer": "its view is a generator of more than VIRALJS_MAX_BUFFER bytes; raise that, or use send_file",
    "fetch": "a page asks for it by fetch() or XMLHttpRequest; use a script element, for which peers can step in",
    "cross-origin": (
        "a page of another origin loads it, a sandboxed frame counts as one; name the page's origin in VIRALJS_ORIGINS,"
        " and write the tag with viral_script"
    ),
    "imports": (
        "its import or import() names something else than a whole URL, which works only in a script from its own URL;"
        " if it is a module, write its tag by viral_script(…, type='module'), else let the bundler write one file, or a"
        " module"
    ),
    "module-syntax": (
        "read as a module, it has syntax that the parser does not know or the client could not replace, such as import"
        " defer; have the bundler write one file without it"
    ),
    "integrity": (
        "its tag has an integrity attribute, which only the untouched bundle fits; leave the attribute out, since what"
        " peers bring is verified, or write the tag with viral_script(…, integrity=…)"
    ),
}
"""By the reason in `ViralJS-Delivery`: what stands in the way, and what mends it."""

MODULE_IMPORTS = (
    "it imports something by a path that is no decorated route of this app; decorate that route, too, or have the"
    " bundler write one file"
)
"""In place of the reason's own text, where the bundle is a module."""
HOOK_FORBIDS = (
    "a hook says so in Cache-Control after the view, which lets nobody keep it, and so nobody seed; have that hook pass"
    " the bundle's route over, if the bundle is the same for everybody"
)
"""In place of the reason's own text, where the view said nothing of the kind."""
UNMARKED = (
    "a page of another origin loads it by a tag with crossorigin, which a module could be, too; write the tag with"
    " viral_script, or put viraljs=script into the query of its address"
)
"""In place of `comes_natively`, for a tag on another origin."""
FOREIGN_MODULES = (
    "the page has modules whose tags viral_script did not write, which would run what they import a second time; have"
    " viral_script write all module tags of the page"
)
"""Of a module that ran from its own URL, though a thin client came for it."""

REPORTED: Mapping[str, str] = {
    "no-timing": (
        "it hides from scripts how far the page is, so that none can be put into its place later; pages that a script"
        " has written, frames without an address and some privacy settings do that"
    ),
    "silent": (
        "a script from a blob: URL neither ran nor failed; a content blocker does that, or a script of the page that"
        " changes what createElement gives: have it leave blob: URLs alone"
    ),
    "client": (
        "scripts of ViralJS did not come in time, or the page has stopped its timers; see that proxies and policies let"
        " everything through below VIRALJS_URL_PREFIX"
    ),
    "version": (
        "the server's bytes were not those that it had hashed a moment before; unless that was a deployment, have the"
        " view return the same bytes to everybody, and nothing rewrite them on the way, or leave the decorator off"
    ),
    "digest": "the pieces were right and the whole was not, which should not be possible; please report it to ViralJS",
}
"""By the reason in a visitor's report: what the site's author learns of in no other way, and what mends it."""


def comes_plainly(url: str, reason: str, page: str | None) -> str | None:
    """Return a sentence for the log on what a visitor's browser has reported; None where nothing is to be done.

    Args:
        url: path and query of the bundle, or what else names it.
        reason: the browser's.
        page: its path, if it is known.
    """
    found = REPORTED.get(reason)
    return found and f"{url} came from this server on {page or 'a page'} (a visitor's browser says {reason}): {found}"


def advise(url: str, reason: str, *, module: bool = False) -> str | None:
    """Return a sentence for the log.

    Args:
        url: path and query of the bundle.
        reason: as in `ViralJS-Delivery`.
        module: it is asked for as one.

    Returns:
        None where the site's author can do nothing about it.
    """
    found = MODULE_IMPORTS if module and reason == "imports" else ADVICE.get(reason)
    return None if found is None else comes_untouched(url, reason, found)


def comes_natively(url: str) -> str:
    """Return the advice on a module that seeders have or could have, and that goes out in full all the same.

    Args:
        url: as in `advise`.
    """
    return (
        "the browser itself loads it as a module, and must get it whole; have viral_script write all module tags of the"
        f' page, this one as viral_script("{url}", type="module"); if it is no module, leave crossorigin out of its tag'
    )


def comes_untouched(url: str, reason: str, advice: str) -> str:
    """Return the sentence that all advice has in common; for the arguments see `advise`."""
    return f"{url} comes untouched (reason={reason}): {advice}"
