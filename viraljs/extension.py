"""`ViralJS`: the face of the package, which sets everything up for an app."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeVar, overload
from urllib.parse import urljoin, urlsplit

from flask import Flask, current_app, g, request
from markupsafe import Markup

from . import delivery
from .blueprint import register
from .config import read_settings
from .direct import check_mark, direct_path, lead_back
from .errors import ConfigurationError, InitialisationError
from .negotiation import is_trustworthy
from .parts import as_bundle_url, by_peers, comes_thin, is_part, note_deferred
from .rendering import BEHIND, DIRECT, MARKED, MODULE, PARAMETER
from .state import EXTENSION, PeerGroup, State, current_state, plain_tag
from .visitors import base_path

ViewT = TypeVar("ViewT", bound=Callable[..., Any])
PeerGroupT = TypeVar("PeerGroupT", bound=PeerGroup)


class ViralJS:
    """Makes the visitors of a Flask app its CDN.

    Args:
        app: the app to set up at once; leave it out to call `init_app` later. One instance may serve several apps.
    """

    def __init__(self, app: Flask | None = None) -> None:
        """Set up `app`, if it is given."""
        self._peer_group: PeerGroup | None = None
        if app is not None:
            self.init_app(app)

    def peer_group(self, hook: PeerGroupT) -> PeerGroupT:
        """Decorate a function of the request that names the group of a visitor: a tenant, a campus, a site.

        Peers of different groups never meet. The function is called for each visitor that could take part; it gives
        a string, or None for a visitor who is to be kept out. One that raises keeps its visitor out, too.

        Raises:
            InitialisationError: there is one already.
        """
        if self._peer_group is not None:
            raise InitialisationError("there is a peer_group already; one function must name all groups")
        self._peer_group = hook
        return hook

    def init_app(self, app: Flask) -> None:
        """Set up an app: read its settings, register the signaling blueprint and `viral_script`.

        Raises:
            ConfigurationError: a `VIRALJS_*` key is unknown or ill-typed, or names a file of no use; nothing has
                been set up then.
            InitialisationError: the app was set up before.
        """
        if EXTENSION in app.extensions:
            raise InitialisationError(f"ViralJS is already set up for {app.name!r}; call init_app once an app")
        settings = read_settings(app.config)
        if settings.static and "static" not in app.view_functions:
            raise ConfigurationError("VIRALJS_STATIC is set, but the app has no static folder")
        if not app.config.get("SECRET_KEY"):
            warnings.warn(
                "SECRET_KEY is not set, so ViralJS signs with a random key. With several processes, or after a"
                " restart, tickets and proofs will not verify: visitors then get the bundle from the server, and"
                " pages that were open stop seeding.",
                RuntimeWarning,
                stacklevel=3,
            )
        state = State(app, settings, lambda: self._peer_group)  # first: databases that can't be read are an error here
        register(app, settings.url_prefix)
        app.extensions[EXTENSION] = state
        # First in the list means last to run: no hook can make a response personal behind our back.
        app.after_request_funcs.setdefault(None, []).insert(0, delivery.finish)
        app.request_context = lead_back(app.request_context, settings.url_prefix)  # type: ignore[assignment, method-assign]
        app.before_request_funcs.setdefault(None, []).insert(0, check_mark)
        app.add_template_global(viral_script)
        if settings.static:
            app.view_functions["static"] = delivery.wrap(
                app.view_functions["static"], delivery.Options(), _matches(settings.static)
            )

    @overload
    def bundle(self, view: ViewT, /) -> ViewT: ...

    @overload
    def bundle(
        self,
        /,
        *,
        min_size: int | None = None,
        nearby: str | None = None,
        peers: int | None = None,
        public: bool | None = None,
    ) -> Callable[[ViewT], ViewT]: ...

    def bundle(
        self,
        view: ViewT | None = None,
        /,
        *,
        min_size: int | None = None,
        nearby: str | None = None,
        peers: int | None = None,
        public: bool | None = None,
    ) -> ViewT | Callable[[ViewT], ViewT]:
        """Decorate a view that returns a bundle, as `@viral.bundle` or `@viral.bundle(…)`, below the route.

        Args:
            view: the view.
            min_size: bytes, in place of `VIRALJS_MIN_SIZE`.
            nearby: how far a seeder may be, in place of `VIRALJS_NEARBY`.
            peers: seeders for one recipient, in place of `VIRALJS_PEERS`.
            public: True promises that the bytes are the same for everybody and that anybody may have them: sessions
                and cookies don't count then, and are not sent. Left out, `VIRALJS_PUBLIC` decides.

        Raises:
            ConfigurationError: an option is not what it must be.
        """
        options = delivery.Options.checked(min_size, nearby, peers, public)

        def decorate(function: ViewT) -> ViewT:
            return delivery.wrap(function, options)  # type: ignore[return-value]

        return decorate if view is None else decorate(view)


def _matches(patterns: tuple[str, ...]) -> Callable[[Mapping[str, Any]], bool]:
    def applies(arguments: Mapping[str, Any]) -> bool:
        return any(fnmatchcase(arguments["filename"], pattern) for pattern in patterns)

    return applies


def viral_script(src: str, *, nonce: str | None = None, dependents: bool = False, **attributes: str | bool) -> Markup:
    """Write the `<script>` tag of a bundle, for templates.

    As in `{{ viral_script(url_for("app_js")) }}`.

    Args:
        src: where the bundle is.
        nonce: the page's CSP nonce; found by itself where `g.csp_nonce` or Flask-Talisman's `csp_nonce()` has it.
        dependents: the page has `<script type="text/viral">`; a second tag runs them for visitors who get no ViralJS.
        attributes: more attributes; an underscore stands for a hyphen (`data_x="1"`), True for one without a value.
    """
    state = current_state()
    is_first = not g.get(delivery.TAGS)
    setattr(g, delivery.TAGS, True)
    found = nonce if nonce is not None else _page_nonce()
    common: dict[str, str | bool] = {"nonce": found} if found else {}
    if attributes.get("defer", True):
        note_deferred(state, src)
    # The client keeps the order of those that have this attribute.
    tag = _tag(
        {"defer": True, **_address(src, attributes, is_first=is_first), **common, **attributes, "data-viraljs": True}
    )
    if dependents:
        tag += _tag(
            {
                "defer": True,
                "src": f"{base_path(state)}/client/{state.renderer.version}/dependents.js",
                **common,
            }
        )
    return tag


def _tag(attributes: Mapping[str, str | bool]) -> Markup:
    parts = [Markup("<script")]
    for name, value in attributes.items():
        hyphened = name.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(Markup(" {}").format(hyphened))
        elif value is not False:
            parts.append(Markup(' {}="{}"').format(hyphened, value))
    return Markup("").join([*parts, Markup("></script>")])


def _address(src: str, attributes: dict[str, str | bool], *, is_first: bool) -> dict[str, str | bool]:
    """Say where the bundle is, such that its server knows what it may answer.

    Where a classic script is to start a module, its type is taken from the attributes.
    """
    if attributes.get("type") == "module":
        if attributes.get("integrity"):
            raise ValueError(
                f"viral_script can't write integrity={attributes['integrity']!r} for the module {src!r}, whose response"
                " carries an addition; leave integrity out, or write the tag of a route that is not decorated by hand"
            )
        current_state().writes_modules = True
        if not by_peers(current_state(), src):
            return {"src": src}  # without a mark: imports name the module by this URL, and must find the same one
        del attributes["type"]
        return {"src": _with_word(src, MODULE)}
    foreign = _is_foreign(src)
    if foreign and "crossorigin" not in attributes and not attributes.get("integrity") and not _may_read(src):
        return {"src": src}
    common: dict[str, str | bool] = {"crossorigin": "anonymous"} if foreign else {}
    if attributes.get("integrity"):  # which neither a full nor a thin response could match
        return {"src": _direct_address(src), **common}
    anonymous = attributes.get("crossorigin", "anonymous") in (True, "", "anonymous")
    # There, a browser does not say that it asks for a script; here, that it asks for a classic one.
    unclear = anonymous if foreign else _is_path(src) and not is_trustworthy(request.scheme, request.host)
    if not is_first and _is_path(src) and comes_thin(current_state(), src):
        return {"src": _with_word(src, BEHIND)}
    return {"src": _with_word(src, MARKED) if unclear else src, **common}


def _direct_address(src: str) -> str:
    url, hash_, fragment = src.partition("#")
    direct = direct_path(current_state(), as_bundle_url(url)) if _is_path(url) and is_part()(url) else None
    return _with_word(src, DIRECT) if direct is None else f"{direct}{hash_}{fragment}"


def _is_path(src: str) -> bool:
    return src.startswith("/") and not src.startswith("//")


def _is_foreign(src: str) -> bool:
    """Say whether a URL is of another origin than the page, which is the current request's."""
    if _is_path(src):
        return False
    page = request.base_url
    return _origin(urljoin(page, src)) != _origin(page)


def _may_read(src: str) -> bool:
    """Say whether the server of another origin is known to let this page read what it runs (Fetch, CORS).

    A browser runs nothing for a tag with `crossorigin` whose answer does not allow the page's origin. Without that
    attribute it runs the bundle, which then can't come from peers.
    """
    state, origin = current_state(), f"{request.scheme}://{request.host}"
    if origin in state.policy.origins:
        return True
    state.warn_once(
        plain_tag(urlsplit(src).netloc),
        f"viral_script wrote a plain tag for {src}, since nothing says that its server lets pages of {origin} read it;"
        f' peers can deliver it with VIRALJS_ORIGINS = ["{origin}"], in the app of the page and in that of the bundle',
    )
    return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _with_word(src: str, word: str) -> str:
    url, hash_, fragment = src.partition("#")
    return f"{url}{'&' if '?' in url else '?'}{PARAMETER}={word}{hash_}{fragment}"


def _page_nonce() -> str | None:
    found = g.get("csp_nonce")
    if found is None:
        talisman = current_app.jinja_env.globals.get("csp_nonce")
        found = talisman() if callable(talisman) else None
    return str(found) if found else None
