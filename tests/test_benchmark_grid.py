"""What is measured: which cells, in what order, how large, and which are refused."""

import pytest

from mlx_gsa.benchmark.contenders import CONTENDERS, SECTIONS, find, taking_part
from mlx_gsa.benchmark.grid import (
    KEPT,
    LENGTHS,
    MEGABASE,
    Cell,
    Plan,
    batch_of,
    cells_of,
    guessed_seconds,
    needed_bytes,
    operations,
)


def test_every_contender_is_named_once_and_takes_part_somewhere():
    names = [each.name for each in CONTENDERS]
    assert len(set(names)) == len(names)
    assert all(each.sections and set(each.sections) <= set(SECTIONS) for each in CONTENDERS)
    assert [each.name for each in taking_part("scan")] == ["fast", "sparse"]


def test_keys_are_distinct_and_the_lengths_of_the_headline_come_first():
    cells = cells_of(Plan(SECTIONS))
    assert len({cell.key for cell in cells}) == len(cells)
    forward = list(dict.fromkeys(cell.length for cell in cells if cell.section == "forward"))
    assert forward[:2] == [2000, 5000] and sorted(forward) == list(LENGTHS)
    assert {c.threads for c in cells if c.section == "forward" and c.length == 2000 and c.sparsity == KEPT} == {1, 2}
    assert {c.threads for c in cells if c.section == "forward" and c.length == 500} == {None}


def test_shares_are_varied_only_where_a_rival_selects():
    cells = cells_of(Plan(("forward",)))
    shares = {name: {c.sparsity for c in cells if c.contender == name} for name in ("fast", "full", "cnn")}
    assert shares["fast"] == {0.01, 0.05, 0.1, 0.2, 1.0} and shares["full"] == shares["cnn"] == {0.1}


def test_options_reach_the_plan():
    plan = Plan.make(("stem",), lengths=(700,), sparsities=(0.3,), threads=[1, 8])
    assert (plan.sections, plan.lengths, plan.sparsities, plan.threads) == (("stem",), (700,), (0.3,), (1, 8))
    assert {c.length for c in cells_of(plan)} == {700}
    quick = Plan.make(SECTIONS, quick=True, threads=[1, 2])
    assert quick.quick and max(quick.lengths) <= 1000 and quick.threads == (1,)
    assert MEGABASE not in {c.length for c in cells_of(quick)}
    assert MEGABASE in {c.length for c in cells_of(Plan(SECTIONS))}


@pytest.mark.parametrize(("length", "name", "batch"), [
    (500, "sparse", 32), (2000, "full", 32), (5000, "full", 12), (10_000, "sparse", 6), (10_000, "full", 1),
    (200_000, "sparse", 1),
])  # fmt: skip
def test_batches(length, name, batch):
    assert batch_of(length, find(name)) == batch


def test_memory_that_scores_need_by_hand():
    full = Cell("forward", "full", 50_000, batch=1)
    features, places = 14 * 50_000 * 16, 4 * 50_000 * 2 * (2 * 16 + 64)
    assert needed_bytes(full) == 4 * (features + places + 2 * 50_000**2)
    assert needed_bytes(Cell("step", "full", 50_000, batch=1)) > 2 * needed_bytes(full) * 0.99
    fused = needed_bytes(Cell("forward", "torch-dense", 50_000, batch=1))
    assert fused < needed_bytes(full) / 50
    assert needed_bytes(Cell("forward", "torch-dense", 100_000, batch=1)) == pytest.approx(2 * fused, rel=0.01)
    assert needed_bytes(Cell("forward", "cnn", 50_000, batch=1)) == 0


def test_a_longer_call_is_guessed_from_the_nearest_shorter_one():
    done = {Cell("forward", "full", 1000, batch=32): 1.0, Cell("forward", "full", 5000, batch=12): 10.0,
            Cell("forward", "sparse", 5000, batch=12): 0.1}  # fmt: skip
    long = Cell("forward", "full", 20_000, batch=1)
    assert guessed_seconds(long, done) == pytest.approx(10 * 16 / 12, rel=0.01)
    assert guessed_seconds(Cell("forward", "full", 500), done) is None
    assert guessed_seconds(Cell("step", "full", 20_000), done) is None


def test_operations_are_those_of_the_section():
    whole, part = (operations(Cell(section, "sparse", 2000)) for section in ("forward", "attention"))
    assert 0 < part < whole and operations(Cell("forward", "sparse", 2000, batch=64)) > 1.99 * whole
    lookup, conv = (operations(Cell("stem", name, 2000)) for name in ("lookup-stem", "conv-stem"))
    assert conv > 20 * lookup
