"""Which runs of a sweep a rank takes, and that the first hears of them all."""

import json

from toy_sweep import leave_run, toy_data, toy_spec

from mlx_gsa.experiments.plan import plan_cells
from mlx_gsa.experiments.runner import SweepResult
from mlx_gsa.experiments.shared import outcome, share
from mlx_gsa.ranks import Ranks


class OneOfThree(Ranks):
    """A rank that hears what the others would say."""

    def __init__(self, rank, others=()):
        super().__init__(rank, 3)
        self.others = others

    def tell(self, data):
        return data

    def collect(self, data, patient=False):
        assert patient  # runs take as long as they take
        return [data, *self.others]


def cells_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy_data()
    spec = toy_spec(data=[{"name": "toy", "seeds": [0, 1, 2, 3]}])
    cells = plan_cells(spec, tmp_path / "out")
    assert len(cells) == 8
    return spec, cells


def test_every_rank_takes_every_nth_run(tmp_path, monkeypatch):
    spec, cells = cells_of(tmp_path, monkeypatch)
    assert [share(OneOfThree(rank), spec, cells, "") for rank in range(3)] == [cells[0::3], cells[1::3], cells[2::3]]
    assert share(Ranks(), spec, cells, "") == cells


def test_what_is_finished_is_no_work_to_be_shared(tmp_path, monkeypatch):
    spec, cells = cells_of(tmp_path, monkeypatch)
    monkeypatch.setattr("mlx_gsa.experiments.state.must_evaluate", lambda *_: False)
    for cell in cells[:3]:
        leave_run(cell.config(), cell.folder)
    left = cells[3:]
    shares = [share(OneOfThree(rank), spec, cells, "") for rank in range(3)]
    assert shares == [cells[:3] + left[0::3], left[1::3], left[2::3]]


def test_the_first_hears_of_all_runs(tmp_path, monkeypatch):
    _, cells = cells_of(tmp_path, monkeypatch)
    others = [json.dumps(each).encode() for each in ([[3], {}, {"1": "no data"}], [[], {"2": "not there"}, {}])]
    mine = SweepResult([cells[0]], {}, {cells[4]: "exit code 1"})
    finished, skipped, failed = outcome(OneOfThree(0, others), cells, mine)
    assert finished == [cells[0], cells[3]]
    assert skipped == {cells[2]: "not there"}
    assert failed == {cells[4]: "exit code 1", cells[1]: "no data"}
