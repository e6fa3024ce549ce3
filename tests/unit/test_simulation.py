"""The simulator, on worlds so small that the answer is known."""

import csv
import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from tests.support.worlds import MB, Site, rules, run, scenario, times, world
from viraljs.errors import SimulationError
from viraljs.nearness import Distance, Place, distance
from viraljs.simulation import plot, report, requirements, runs
from viraljs.simulation.arrivals import CURVES, arrive
from viraljs.simulation.bound import bound, distribution_seconds
from viraljs.simulation.choice import CHOICES
from viraljs.simulation.engine import ORIGIN_ROUND_TRIP, ROUND_TRIPS, WINDOW_BYTES
from viraljs.simulation.links import Links, fill
from viraljs.simulation.scenario import SCENARIOS, change
from viraljs.simulation.simulate import prepare, simulate
from viraljs.simulation.table import FIRST_ROWS, Table
from viraljs.simulation.trace import read_trace
from viraljs.simulation.transfers import ORIGIN
from viraljs.simulation.units import MEGABIT, parse_size, show_rate, show_seconds, show_size
from viraljs.simulation.world import build

SAME = Place("a", "n", "AS1 NO", "NO", "EU")


# Known answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 100])
def test_without_peers_the_last_has_the_app_when_the_uplink_has_sent_all_copies(count):
    results = run(world(*[Site((0.0,))] * count), "no P2P")
    assert results.last == pytest.approx(count + ORIGIN_ROUND_TRIP, rel=0.02)
    assert results.origin_peak == pytest.approx(MB, rel=0.04)
    assert results.offload == 0


def test_a_lone_visitor_is_held_up_by_the_narrower_of_two_lines():
    assert times(run(world(Site((0.0,), down=MB / 4)), "no P2P")) == pytest.approx([4 + ORIGIN_ROUND_TRIP])
    assert times(run(world(Site((0.0,), down=9 * MB)), "no P2P")) == pytest.approx([1 + ORIGIN_ROUND_TRIP])


def test_the_second_in_a_lan_gets_all_from_the_first_at_the_speed_of_the_lan():
    results = run(world(Site((0.0, 10.0), up=1.0, place=SAME)), port=10 * MB)
    assert results.moved[Distance.ADDRESS] == pytest.approx(MB)
    assert results.moved[ORIGIN] == pytest.approx(MB)
    assert times(results)[0] == pytest.approx(0.1, abs=0.12)


def test_where_no_pair_can_connect_all_comes_from_the_server():
    results = run(world(*[Site((10.0 * number,)) for number in range(5)]), nat_failure=1.0)
    assert results.offload == 0
    assert results.plans["peers"] > 0


def test_nat_does_not_part_those_who_share_a_lan():
    results = run(world(Site((0.0, 10.0), place=SAME)), nat_failure=1.0)
    assert results.offload == pytest.approx(0.5)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_byte_is_delivered_once(name, choice):
    made = scenario_of(name)
    (results,) = simulate(made, build(made, 3), rules(), 3, choices=[choice]).results
    assert results.total == pytest.approx(made.visitors * made.bundle, rel=1e-6)
    assert not np.isnan(results.times).any()
    assert (results.times > 0).all()


def scenario_of(name):
    """Take a named scenario, smaller."""
    return change(name, visitors=60, bundle=1_000_000, span=60.0)


def test_nobody_gets_more_than_the_uplink_holds():
    made = replace(SCENARIOS["flash"], visitors=200)
    for results in simulate(made, build(made, 1), rules(), 1).results:
        assert results.origin_peak <= made.origin * 1.001
        assert results.times.min() >= ORIGIN_ROUND_TRIP


def test_one_connection_brings_a_window_each_round_trip():
    far = Site((10.0,), down=100 * MB, place=Place("b", "o", "AS2 NZ", "NZ", "OC"))
    results = run(world(Site((0.0,), up=100 * MB), far), told=rules(deadline=60.0))
    assert results.times[1] == pytest.approx(1_000_000 * ROUND_TRIPS[Distance.ANY] / WINDOW_BYTES, rel=0.5)


def test_one_who_leaves_leaves_its_recipients_to_the_server():
    there = world(Site((0.0,), up=MB / 10, place=SAME), Site((2.0,), place=replace(SAME, address="b")), stay=3.0)
    results = run(there, bundle=1_000_000)
    assert 0 < results.moved[Distance.NETWORK] < MB
    assert results.total == pytest.approx(2 * MB)


def test_the_server_steps_in_where_peers_are_slow():
    slow = world(Site((0.0,), up=MB / 1_000), Site((5.0,)), stay=10_000.0)
    results = run(slow)
    assert times(results)[-1] < 5
    assert results.moved[ORIGIN] > 1.9 * MB


def test_a_seeder_under_way_gives_no_more_than_it_gets():
    slow = world(Site((0.0,), down=MB / 10, up=10 * MB), Site((1.5,), down=10 * MB))
    results = run(slow, bundle=3_000_000, origin=10 * MB, told=rules(deadline=60.0))
    assert results.plans["peers"] == 1
    assert min(results.times) > 20


def test_nobody_waits_with_a_low_limit_of_recipients_for_each_source():
    made = replace(SCENARIOS["flash"], visitors=300)
    at_will, limited = (
        simulate(made, build(made, 1), rules(most_per_source=most), 1, choices=["nearest"]).results[0]
        for most in (math.inf, 8)
    )
    assert limited.plans["stream"] > at_will.plans["stream"]
    assert limited.percentile(50) < at_will.percentile(50)


# Choices --------------------------------------------------------------------------------------------


def test_the_nearest_keep_more_bytes_in_the_network_than_a_lottery_does():
    made = change("city", visitors=1_500, span=3_600.0)
    nearest, by_lot, nobody = simulate(made, build(made, 1), rules(), 1).results
    assert nearest.kept(Distance.NETWORK) > 2 * by_lot.kept(Distance.NETWORK)
    assert min(nearest.offload, by_lot.offload) > 0.9
    assert nobody.offload == 0


def test_nearby_bounds_how_far_bytes_come():
    made = change("city", visitors=500, span=600.0)
    (results,) = simulate(made, build(made, 1), rules(nearby=Distance.NETWORK), 1, choices=["nearest"]).results
    assert results.moved[Distance.NETWORK + 1 : ORIGIN].sum() == 0


# Chance ---------------------------------------------------------------------------------------------


def test_a_seed_makes_it_repeatable():
    made = change("world", visitors=300, span=300.0)
    one, same, other = (simulate(made, build(made, seed), rules(), seed).results for seed in (1, 1, 2))
    for first, second, third in zip(one, same, other, strict=True):
        assert (first.times == second.times).all()
        assert (first.moved == second.moved).all()
        assert first.times.sum() != third.times.sum()


def test_processes_side_by_side_give_the_same_figures(monkeypatch):
    made = change("city", visitors=100, span=100.0)
    there = build(made, 1)
    told: list[int] = []
    alone = runs.run_all(there, made, rules(), list(CHOICES), 1)
    monkeypatch.setattr(runs, "WORTH_A_PROCESS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    beside = runs.run_all(there, made, rules(), list(CHOICES), 1, told.append)
    assert [one.choice for one in beside] == list(CHOICES)
    for one, other in zip(alone, beside, strict=True):
        assert (one.times == other.times).all()
    assert sum(told) == len(CHOICES) * 100


def test_progress_counts_each_visitor_once_a_choice():
    made = change("city", visitors=100, span=100.0)
    told: list[int] = []
    simulate(made, build(made, 1), rules(), 1, told.append)
    assert sum(told) == len(CHOICES) * 100


# Parts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", CURVES)
def test_arrivals_are_sorted_and_within_the_span(curve):
    moments = arrive(curve, np.random.default_rng(1), 1_000, 3_600.0)
    assert len(moments) == 1_000
    assert (np.diff(moments) >= 0).all()
    assert 0 <= moments[0] <= moments[-1] <= 3_600


def test_most_come_in_the_evening_and_few_before_dawn():
    hours = arrive("day", np.random.default_rng(1), 10_000, 24.0)
    assert ((hours > 2) & (hours < 5)).sum() * 5 < ((hours > 19) & (hours < 22)).sum()


def test_a_world_has_each_step_of_distance():
    made = change("world", visitors=30_000)
    place = build(made, 1).place
    chance = Random(1)
    steps = {distance(place(chance.randrange(30_000)), place(chance.randrange(30_000))) for _ in range(50_000)}
    assert steps == set(Distance)


def test_filling_never_overfills_a_line_and_leaves_little_idle_that_is_wanted():
    chance = np.random.default_rng(1)
    capacity = chance.random(10) * MB
    gives, takes = chance.integers(0, 5, 40), chance.integers(5, 10, 40)
    rates = fill(gives, takes, np.full(40, np.inf), capacity)
    used = np.bincount(gives, rates, 10) + np.bincount(takes, rates, 10)
    assert (used <= capacity * (1 + 1e-9)).all()
    full = used >= capacity * 0.9
    assert (full[gives] | full[takes]).mean() > 0.9


def test_what_one_flow_cannot_use_others_get():
    rates = fill(np.array([0, 0]), np.array([1, 2]), np.array([1.0, np.inf]), np.array([10.0, 10.0, 100.0]))
    assert rates == pytest.approx([1.0, 9.0])


def test_a_line_is_forgotten_when_nobody_uses_it():
    links = Links()
    row = links.acquire("a", 1.0)
    assert links.acquire("a", 1.0) == row
    links.release(row)
    assert links.count == 1
    links.release(row)
    assert (links.count, links.high) == (0, 0)


def test_a_table_grows_and_takes_the_lowest_free_row_first():
    table = Table()
    rows = [table.add() for _ in range(FIRST_ROWS + 1)]
    assert rows == list(range(FIRST_ROWS + 1))
    table.drop(7)
    table.drop(3)
    assert table.add() == 3
    for row in range(FIRST_ROWS, 9, -1):
        table.drop(row)
    assert table.high == 10


@pytest.mark.parametrize(
    ("text", "size"), [("5MB", 5_000_000), ("64 KiB", 65_536), ("1.5M", 1_500_000), ("70", 70), ("2GB", 2_000_000_000)]
)
def test_sizes_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "five", "-1MB", "0", "5 TB"])
def test_what_is_no_size_is_an_error(text):
    with pytest.raises(SimulationError, match="a size is written 5MB"):
        parse_size(text)


def test_figures_are_written_with_units():
    assert [show_size(size) for size in (12, 5e6, 1.25e12, 2.5e15)] == ["12 B", "5 MB", "1.25 TB", "2,500 TB"]
    assert [show_seconds(one) for one in (0.25, 2, 150, 7_200)] == ["250 ms", "2 s", "150 s", "2.0 h"]
    assert show_rate(MEGABIT * 1_000) == "1,000 Mbit/s"


def test_the_bound_is_the_largest_of_three():
    down, up = np.full(9, 100.0), np.full(9, 10.0)
    assert distribution_seconds(1_000, 5.0, down, up) == 200  # the source must send each byte once
    assert distribution_seconds(1_000, 1e6, down, up) == 10  # each must take it
    assert distribution_seconds(1_000, 60.0, down, up) == 60  # all must be sent by somebody


def test_the_bound_of_a_world_counts_one_copy_and_each_visitors_own_line():
    there = world(Site((0.0,), down=MB), Site((0.0,), down=2 * MB))
    least = bound(there, scenario(visitors=2))
    assert least.offload == 0.5
    assert least.times.tolist() == pytest.approx([1.0 + ORIGIN_ROUND_TRIP, 0.5 + ORIGIN_ROUND_TRIP])


# Scenarios and traces -------------------------------------------------------------------------------


def test_an_unknown_scenario_and_a_bad_part_are_errors():
    with pytest.raises(SimulationError, match="there are school, office"):
        change("mars")
    with pytest.raises(SimulationError, match="nat_failure must be from 0 to 1, not 2"):
        change("city", nat_failure=2)
    with pytest.raises(SimulationError, match="visitors must be from 1 to 100,000,000, not 0"):
        change("city", visitors=0)


def write(path, *lines):
    """Write a file of lines."""
    path.write_text("\n".join(lines) + "\n")
    return path


HEAD = "arrival_seconds,stay_seconds,address"


def test_a_trace_says_who_comes(tmp_path):
    path = write(
        tmp_path / "t.csv",
        f"{HEAD},asn,country,continent",
        "5.5,60,192.0.2.7,64500,NO,EU",
        "0,30,2001:db8::1,,,",
        "1,30,192.0.2.7,64500,NO,EU",
    )
    made, there = prepare(scenario(), 1, path)
    assert (made.name, made.visitors) == ("t.csv", 3)
    assert there.arrivals.tolist() == [0, 1, 5.5]
    assert there.stays.tolist() == [30, 30, 60]
    assert there.place(2) == Place("192.0.2.7", "192.0.2.0/24", "AS64500 NO", "NO", "EU")
    assert there.sites.tolist() == [0, 1, 1]


def test_private_addresses_of_a_trace_share_one_line_but_not_one_network(tmp_path):
    path = write(tmp_path / "t.csv", HEAD, "0,1,10.0.1.1", "1,1,10.0.2.1")
    _, there = prepare(scenario(), 1, path)
    assert there.sites.tolist() == [0, 0]
    assert distance(there.place(0), there.place(1)) is Distance.ASN


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["arrival,stay,address"], "line 1, must name the columns arrival_seconds, stay_seconds, address"),
        ([], "line 1, must name the columns"),
        ([HEAD], "has no visitor"),
        ([HEAD, "0,1,192.0.2.1", "x,1,192.0.2.1"], "line 3: arrival_seconds must be a number of seconds .* not 'x'"),
        ([HEAD, "0,-1,192.0.2.1"], "line 2: stay_seconds must be"),
        ([HEAD, "nan,1,192.0.2.1"], "line 2: arrival_seconds must be"),
        ([HEAD, "0,1,example.org"], "line 2: address must be an IPv4 or IPv6 address, not 'example.org'"),
        ([HEAD, "0,1"], "line 2: must have as many fields"),
        ([HEAD, "0,1,192.0.2.1,more"], "line 2: must have as many fields"),
        ([f"{HEAD},asn", "0,1,192.0.2.1,AS1"], "line 2: asn must be a number such as 64500, or empty, not 'AS1'"),
    ],
)
def test_a_bad_trace_is_an_error_that_names_the_line_and_what_would_be_right(tmp_path, lines, said):
    with pytest.raises(SimulationError, match=said):
        read_trace(write(tmp_path / "t.csv", *lines))


def test_a_trace_that_is_not_there_or_no_text_is_an_error(tmp_path):
    with pytest.raises(SimulationError, match="can't be read"):
        read_trace(tmp_path / "none.csv")
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SimulationError, match="can't be read"):
        read_trace(tmp_path / "t.csv")


def test_a_school_keeps_nearly_all_bytes_inside(tmp_path):
    chance = Random(1)
    path = tmp_path / "school.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(HEAD.split(","))
        for pupil in range(300):
            table.writerow([f"{chance.uniform(0, 30):.2f}", 900, f"10.0.{pupil // 30}.{pupil % 30 + 1}"])
    made, there = prepare(change("school"), 1, path)
    (results,) = simulate(made, there, rules(), 1, choices=["nearest"]).results
    assert results.offload > 0.95
    assert results.within(Distance.ASN) > 0.95


# What is shown --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done():
    made = change("world", visitors=80, span=60.0)
    return simulate(made, build(made, 1), rules(), 1)


def test_the_report_has_a_column_for_each_choice_and_the_bound(done):
    lines = report.tell(done.world, done.scenario, done.results, done.bound)
    assert lines[0].startswith("world: 80 visitors from ")
    assert lines[3].split() == ["nearest", "random", "no", "P2P", "bound"]
    text = "\n".join(lines)
    for figure in ("offload", "peak of the server", "p50", "p95", "stay in the network", "stay in the country"):
        assert figure in text


@pytest.mark.parametrize(("name", "start"), [("p.png", b"\x89PNG"), ("p.SVG", b"<?xml")])
def test_a_plot_is_drawn_in_the_form_that_its_name_says(done, tmp_path, name, start):
    plot.plot(done.results, done.bound, done.scenario, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    assert data.startswith(start)
    assert len(data) > 10_000


def test_the_same_figures_give_the_same_picture(done, tmp_path):
    for name in ("one.svg", "two.svg"):
        plot.plot(done.results, done.bound, done.scenario, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_another_ending_is_an_error(done, tmp_path):
    with pytest.raises(SimulationError, match=r"must end with \.png or \.svg, not 'p\.gif'"):
        plot.plot(done.results, done.bound, done.scenario, tmp_path / "p.gif")


def test_a_missing_library_is_an_error_that_says_how_to_get_it():
    requirements.require("numpy")
    with pytest.raises(SimulationError, match=r'needs nonesuch: pip install "viraljs\[simulate\]"'):
        requirements.require("numpy", "nonesuch")
