"""The signaling vocabulary: whatever comes in, a message or a MessageError comes out, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.signaling import CANDIDATE, SDP
from viraljs import messages
from viraljs.errors import MessageError
from viraljs.messages import (
    BAD_MESSAGE,
    TOO_LARGE,
    Announce,
    Answer,
    Candidates,
    CandidatesPost,
    Done,
    Gone,
    Offer,
    OfferPost,
    OfferTo,
    Ping,
    Pong,
    Refuse,
    Report,
    Upload,
    Welcome,
    Withdraw,
    as_object,
    encode,
    parse_candidates,
    parse_offers,
    parse_report,
    parse_seeder_message,
)

LONGEST = 65_536
DIGEST = "ab" * 32
PARSERS: dict[str, Callable[[Any], Any]] = {
    "seeder": lambda data: parse_seeder_message(data, LONGEST),
    "offers": parse_offers,
    "candidates": parse_candidates,
    "report": parse_report,
}

ids = st.text(sorted(messages.ID_CHARACTERS), min_size=1, max_size=messages.LONGEST_ID)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
tokens = st.text(st.characters(), min_size=1, max_size=messages.LONGEST_TOKEN)
numbers = st.integers(0, messages.HIGHEST_NUMBER)
sdps = st.text(max_size=200).map(lambda rest: SDP + rest)
candidate_lists = st.lists(
    st.text(max_size=100).map(lambda rest: "candidate:" + rest), max_size=messages.MOST_CANDIDATES
).map(tuple)
range_lists = st.lists(st.tuples(numbers, numbers), max_size=messages.MOST_RANGES).map(tuple)
seeder_messages = st.one_of(
    st.builds(Announce, digests, tokens, st.integers(0, 100)),
    st.builds(Withdraw, digests),
    st.builds(Answer, ids, sdps),
    st.builds(Candidates, ids, candidate_lists),
    st.builds(Refuse, ids, st.sampled_from(messages.REFUSALS)),
    st.builds(Done, ids),
    st.builds(Pong),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)


MESSAGES: dict[str, dict[str, Any]] = {
    "announce": {"type": "announce", "digest": DIGEST, "proof": "p", "progress": 25},
    "withdraw": {"type": "withdraw", "digest": DIGEST},
    "answer": {"type": "answer", "exchange": "r.s", "sdp": SDP},
    "candidates": {"type": "candidates", "exchange": "r.s", "candidates": [CANDIDATE]},
    "refuse": {"type": "refuse", "exchange": "r.s", "reason": "busy"},
    "done": {"type": "done", "exchange": "r.s"},
    "pong": {"type": "pong"},
}
POSTS: dict[str, dict[str, Any]] = {
    "offers": {"ticket": "t", "offers": [{"seeder": "s", "sdp": SDP, "ranges": [[0, 2]]}]},
    "candidates": {"ticket": "t", "seeder": "s", "candidates": [CANDIDATE]},
    "report": {
        "ticket": "t",
        "source": "mixed",
        "bytesFromPeers": 1,
        "bytesFromServer": 2,
        "bytesFromCache": 3,
        "milliseconds": 4,
        "uploads": [{"seeder": "s", "bytes": 5, "milliseconds": 6, "failure": None}],
    },
}


def refusal_of(parser, data):
    """Parse; give the MessageError that came of it, or None. Any other exception fails the test."""
    try:
        parser(data)
    except MessageError as error:
        return error
    return None


# Any input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parser", PARSERS)
@given(data=st.binary(max_size=300) | st.text(st.characters(), max_size=300))
def test_any_text_and_any_bytes_give_a_message_or_a_message_error(parser, data):
    error = refusal_of(PARSERS[parser], data)

    assert error is None or 4400 <= error.code < 4500
    assert error is None or len(error.reason.encode()) <= 123, "a close frame has no room for more"


@pytest.mark.parametrize("parser", PARSERS)
@given(value=json_values)
def test_any_json_gives_a_message_or_a_message_error(parser, value):
    data = json.dumps(value)
    with pytest.raises(MessageError):
        PARSERS[parser](data if parser == "seeder" else data.encode())


@given(st.data())
def test_one_wrong_field_of_a_right_message_gives_a_message_or_a_message_error(data):
    good = dict(data.draw(st.sampled_from(list(MESSAGES.values()))))
    good[data.draw(st.sampled_from(list(good)))] = data.draw(json_values)

    error = refusal_of(PARSERS["seeder"], json.dumps(good))

    assert error is None or (error.code == BAD_MESSAGE and len(error.reason.encode()) <= 123)


@pytest.mark.parametrize("kind", POSTS)
@given(data=st.data())
def test_one_wrong_field_of_a_right_post_gives_a_message_or_a_message_error(kind, data):
    good = dict(POSTS[kind])
    good[data.draw(st.sampled_from(list(good)))] = data.draw(json_values)

    error = refusal_of(PARSERS[kind], json.dumps(good).encode())

    assert error is None or error.code == BAD_MESSAGE


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    "data",
    ["[" * 100_000, '{"a":' * 60_000, "1" * 60_000, '"\\ud800"', "NaN"],
    ids=["lists", "objects", "digits", "half a surrogate pair", "NaN"],
)
def test_json_made_to_break_parsers_is_a_message_error(parser, data):
    with pytest.raises(MessageError):
        PARSERS[parser](data[:LONGEST] if parser == "seeder" else data.encode())


# Round trips -----------------------------------------------------------------------------------------


@given(seeder_messages)
def test_what_is_encoded_parses_back(message):
    assert parse_seeder_message(encode(message), LONGEST) == message


@given(seeder_messages)
def test_what_is_encoded_is_ascii_whatever_is_in_it(message):
    assert encode(message).isascii()


@given(st.builds(OfferPost, tokens, st.lists(st.builds(OfferTo, ids, sdps, range_lists), min_size=1, max_size=8)))
def test_a_post_of_offers_parses_back(post):
    assert parse_offers(json.dumps(asdict(post)).encode()) == OfferPost(post.ticket, tuple(post.offers))


@given(st.builds(CandidatesPost, tokens, ids, candidate_lists))
def test_a_post_of_candidates_parses_back(post):
    assert parse_candidates(json.dumps(asdict(post)).encode()) == post


@given(
    st.builds(
        Report,
        tokens,
        st.sampled_from(messages.SOURCES),
        *[numbers] * 4,
        st.lists(
            st.builds(Upload, ids, numbers, numbers, st.none() | st.text(min_size=1, max_size=32)),
            max_size=8,
            unique_by=lambda upload: upload.seeder,
        ).map(tuple),
        *[st.none() | st.text(min_size=1, max_size=1_024)] * 3,
    )
)
def test_a_report_parses_back(report):
    told = {
        "ticket": report.ticket,
        "source": report.source,
        "bytesFromPeers": report.bytes_from_peers,
        "bytesFromServer": report.bytes_from_server,
        "bytesFromCache": report.bytes_from_cache,
        "milliseconds": report.milliseconds,
        "uploads": [asdict(upload) for upload in report.uploads],
        "reason": report.reason,
        "page": report.page,
        "url": report.url,
    }

    assert parse_report(json.dumps(told).encode()) == report


def test_what_the_server_says():
    assert as_object(Welcome("me", 25.0, 6)) == {"type": "welcome", "peer": "me", "heartbeat": 25.0, "slots": 6}
    assert as_object(Ping()) == {"type": "ping"}
    assert as_object(Gone("r.s")) == {"type": "gone", "exchange": "r.s"}
    assert json.loads(encode(Offer("r.s", DIGEST, SDP, ((0, 2),)))) == {
        "type": "offer",
        "exchange": "r.s",
        "digest": DIGEST,
        "sdp": SDP,
        "ranges": [[0, 2]],
    }


def test_an_offer_names_ice_servers_where_the_seeder_can_not_know_them():
    server = {"urls": ["turn:turn.example.org"], "username": "1:me", "credential": "c"}

    assert json.loads(encode(Offer("r.s", DIGEST, SDP, (), (server,))))["ice"] == [server]


# What is refused, and how it is said -------------------------------------------------------------------


@pytest.mark.parametrize("kind", MESSAGES)
def test_these_messages_are_understood(kind):
    assert parse_seeder_message(json.dumps(MESSAGES[kind]), LONGEST).type == kind


def test_who_does_not_tell_of_progress_has_all():
    message = {name: value for name, value in MESSAGES["announce"].items() if name != "progress"}

    assert parse_seeder_message(json.dumps(message), LONGEST) == Announce(DIGEST, "p", 100)


def test_an_announcement_may_name_the_page_whose_parser_waits_and_the_bundle_then():
    message = {**MESSAGES["announce"], "progress": 100, "page": "/shop", "url": "/app.js?v=1"}

    assert parse_seeder_message(json.dumps(message), LONGEST) == Announce(DIGEST, "p", 100, "/shop", "/app.js?v=1")
    for field, value in (("url", None), ("url", "http://localhost/app.js"), ("page", "//shop"), ("page", 1)):
        with pytest.raises(MessageError, match=f"message: {field} must be a"):
            parse_seeder_message(json.dumps({**message, field: value}), LONGEST)


@pytest.mark.parametrize("kind", POSTS)
def test_these_posts_are_understood(kind):
    assert PARSERS[kind](json.dumps(POSTS[kind]).encode()).ticket == "t"


def test_a_binary_message_is_refused():
    with pytest.raises(MessageError, match="must be text, not binary"):
        parse_seeder_message(b"{}", LONGEST)


def test_a_message_that_is_too_long_is_refused_before_it_is_parsed():
    with pytest.raises(MessageError, match="must not exceed 100 bytes") as refusal:
        parse_seeder_message("{" * 101, 100)

    assert refusal.value.code == TOO_LARGE


NOT_SDP = {
    "nothing": "",
    "a word": "hello",
    "a script": "<script>alert(1)</script>",
    "another version": SDP.replace("v=0", "v=1"),
    "no data channel": SDP.replace("m=application", "m=audio"),
    "no password": SDP.replace("a=ice-ufrag", "a=x"),
    "no fingerprint": SDP.replace("a=fingerprint", "a=x"),
    "too long": SDP + "a=x\r\n" * 4_000,
    "a number": 7,
    "missing": None,
}


@pytest.mark.parametrize("what", NOT_SDP)
def test_sdp_that_is_not_sdp_is_refused_in_offer_and_answer(what):
    post = {"ticket": "t", "offers": [{"seeder": "s", "sdp": NOT_SDP[what], "ranges": []}]}

    with pytest.raises(MessageError, match=r"^offer: sdp must be "):
        parse_offers(json.dumps(post).encode())
    with pytest.raises(MessageError, match=r"^message: sdp must be "):
        parse_seeder_message(json.dumps({**MESSAGES["answer"], "sdp": NOT_SDP[what]}), LONGEST)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "hello"}, "message: type must be one of announce, withdraw, answer, candidates, refuse, done, pong"),
        ({"type": ["announce"]}, "message: type must be one of announce, "),
        ({"type": None}, "message: type must be one of announce, "),
        ({"digest": DIGEST.upper()}, "message: digest must be 64 lower-case hex digits"),
        ({"digest": DIGEST[1:]}, "message: digest must be 64 lower-case hex digits"),
        ({"digest": DIGEST + "a"}, "message: digest must be a string of 1 to 64 characters"),
        ({"digest": None}, "message: digest must be a string"),
        ({"proof": ""}, "message: proof must be a string of 1 to 2048 characters"),
        ({"proof": "p" * 2049}, "message: proof must be a string of 1 to 2048 characters"),
        *(
            ({"progress": wrong}, "message: progress must be an integer from 0 to 100")
            for wrong in (-1, 101, 0.5, "50", True, None)
        ),
        ({"type": "done", "exchange": "a b"}, "message: exchange must be an id"),
        ({"type": "done", "exchange": "é"}, "message: exchange must be an id"),
        ({"type": "done", "exchange": "x" * 129}, "message: exchange must be a string of 1 to 128 characters"),
        ({"type": "refuse", "exchange": "x", "reason": "lazy"}, "message: reason must be one of busy, gone"),
        ({"type": "candidates", "exchange": "x", "candidates": ["x"]}, "message: candidates must be ICE candidate"),
        ({"type": "candidates", "exchange": "x", "candidates": [1]}, "message: candidates must be ICE candidate"),
        ({"type": "candidates", "exchange": "x", "candidates": [CANDIDATE] * 65}, "candidates must be a list of at"),
        ({"type": "candidates", "exchange": "x", "candidates": CANDIDATE}, "candidates must be a list of at most 64"),
        ({"type": "candidates", "exchange": "x", "candidates": ["candidate:" + "1" * 1024]}, "ICE candidate lines"),
    ],
    ids=count(),
)
def test_a_refusal_names_the_field_and_what_would_be_right(change, said):
    with pytest.raises(MessageError) as refusal:
        parse_seeder_message(json.dumps({**MESSAGES["announce"], **change}), LONGEST)

    assert said in refusal.value.reason
    assert refusal.value.code == BAD_MESSAGE


def change_offer(**change):
    return {**POSTS["offers"], "offers": [{**POSTS["offers"]["offers"][0], **change}]}


def change_upload(**change):
    return {**POSTS["report"], "uploads": [{**POSTS["report"]["uploads"][0], **change}]}


BAD_POSTS = {
    "no offer": ("offers", {**POSTS["offers"], "offers": []}, "offers must hold one offer or more"),
    "offers missing": ("offers", {"ticket": "t"}, "offers must hold one offer or more"),
    "too many offers": ("offers", {"ticket": "t", "offers": POSTS["offers"]["offers"] * 9}, "a list of at most 8"),
    "an offer that is a list": ("offers", {"ticket": "t", "offers": [[]]}, "offer must be a JSON object"),
    "no ticket": ("offers", {**POSTS["offers"], "ticket": ""}, "ticket must be a string"),
    "a seeder that is no id": ("offers", change_offer(seeder="*"), "offer: seeder must be an id"),
    "ranges that are one": ("offers", change_offer(ranges=[0, 1]), "ranges must be pairs of first piece and count"),
    "a range of three": ("offers", change_offer(ranges=[[0, 1, 2]]), "ranges must be pairs"),
    "a negative range": ("offers", change_offer(ranges=[[-1, 1]]), "ranges must be an integer that is not negative"),
    "a fraction": ("offers", change_offer(ranges=[[0.5, 1]]), "ranges must be an integer that is not negative"),
    "a truth": ("offers", change_offer(ranges=[[True, 1]]), "ranges must be an integer that is not negative"),
    "too many ranges": ("offers", change_offer(ranges=[[0, 1]] * 65), "ranges must be a list of at most 64"),
    "candidates without a seeder": ("candidates", {"ticket": "t"}, "candidates: seeder must be a string"),
    "an unknown source": ("report", {**POSTS["report"], "source": "space"}, "source must be one of peers, server"),
    "negative bytes": ("report", {**POSTS["report"], "bytesFromPeers": -1}, "bytesFromPeers must be an integer"),
    "too many bytes": ("report", {**POSTS["report"], "bytesFromCache": 2**53}, "bytesFromCache must be an integer"),
    "a reason that is a number": ("report", {**POSTS["report"], "reason": 1}, "reason must be a string or null"),
    "a page that is a story": (
        "report",
        {**POSTS["report"], "page": "x" * 8_193},
        "page must be a string of 1 to",
    ),
    "an upload that is a word": ("report", {**POSTS["report"], "uploads": ["x"]}, "upload must be a JSON object"),
    "a failure that is a number": ("report", change_upload(failure=1), "upload: failure must be a string"),
    "a failure that is a story": ("report", change_upload(failure="x" * 33), "failure must be a string of 1 to 32"),
    "a seeder named twice": (
        "report",
        {**POSTS["report"], "uploads": POSTS["report"]["uploads"] * 2},
        "report: uploads must name each seeder once",
    ),
}


@pytest.mark.parametrize("what", BAD_POSTS)
def test_a_bad_post_is_refused_with_what_would_be_right(what):
    parser, value, said = BAD_POSTS[what]

    with pytest.raises(MessageError) as refusal:
        PARSERS[parser](json.dumps(value).encode())

    assert said in refusal.value.reason
    assert refusal.value.code == BAD_MESSAGE


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"\xff\xfe{", b"[]", b"null", b'"offers"'])
def test_a_body_that_is_no_json_object_is_refused(data):
    for parser in ("offers", "candidates", "report"):
        with pytest.raises(MessageError, match=r"must be JSON|must be a JSON object"):
            PARSERS[parser](data)
