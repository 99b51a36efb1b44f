"""Fresh results against committed ones: equal here, within a tolerance elsewhere."""

from made_results import MACHINE, make_results, write

from mlx_gsa.experiments.check import check_results
from mlx_gsa.experiments.record import read_json


def make_pair(tmp_path):
    return make_results(tmp_path / "fresh"), make_results(tmp_path / "committed")


def change(path, *keys, value):
    found = part = read_json(path)
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    write(path, found)


def test_the_same_is_the_same(tmp_path):
    assert check_results(*make_pair(tmp_path), 0.05) == (True, [])


def test_on_the_same_machine_every_figure_must_be_equal(tmp_path):
    fresh, committed = make_pair(tmp_path)
    change(fresh / "trial/toy.json", "runs", 0, "evaluation", "metrics", "pearson", "low", value=0.8900001)
    same, (found,) = check_results(fresh, committed, 0.05)
    assert same and found.file == "trial/toy.json" and found.where == "runs.0.evaluation.metrics.pearson.low"
    assert (found.committed, found.fresh) == (0.89, 0.8900001)


def test_clock_and_place_may_differ(tmp_path):
    fresh, committed = make_pair(tmp_path)
    change(fresh / "trial/toy.json", "runs", 0, "epochs", 0, "seconds", value=9.9)
    change(fresh / "speed.json", "rows", 0, "speedup", value=1.0)
    change(fresh / "results.json", "created", value="2031")
    assert check_results(fresh, committed, 0.05) == (True, [])


def test_elsewhere_what_claims_rest_on_must_be_near(tmp_path):
    fresh, committed = make_pair(tmp_path)
    change(fresh / "results.json", "machine", value=MACHINE | {"processor": "another CPU"})
    change(fresh / "trial/toy.json", "runs", 0, "epochs", 0, "val_metric", value=0.9)  # nothing rests on it
    change(fresh / "trial/toy.json", "runs", 0, "evaluation", "metrics", "pearson", "value", value=0.94)
    assert check_results(fresh, committed, 0.05) == (False, [])
    same, (found,) = check_results(fresh, committed, 0.03)
    assert not same and found.where == "runs.0.evaluation.metrics.pearson.value"


def test_elsewhere_few_sites_may_differ(tmp_path):
    fresh, committed = make_pair(tmp_path)
    place = ("runs", 0, "evaluation", "selection")
    change(fresh / "trial/toy.json", *place, "kinds", 0, "recall", "value", value=0.1)
    (found,) = check_results(fresh, committed, 0.05)[1]
    assert found.where == "runs.0.evaluation.selection.kinds.0.recall.value"
    change(fresh / "results.json", "versions", value={})
    assert check_results(fresh, committed, 0.05)[1] == []
    change(fresh / "trial/toy.json", *place, "ranking", 0, "recall", "value", value=0.1)
    assert len(check_results(fresh, committed, 0.05)[1]) == 1


def test_a_missing_file_is_a_difference(tmp_path):
    fresh, committed = make_pair(tmp_path)
    (fresh / "speed.json").unlink()
    _, (found,) = check_results(fresh, committed, 0.05)
    assert (found.file, found.committed, found.fresh) == ("speed.json", "a file", "no file")


def test_a_list_of_another_length_is_a_difference(tmp_path):
    fresh, committed = make_pair(tmp_path)
    change(fresh / "trial/toy.json", "runs", value=[])
    assert [each.where for each in check_results(fresh, committed, 0.05)[1]] == ["runs"]
    change(fresh / "results.json", "versions", value={})
    assert [each.where for each in check_results(fresh, committed, 0.05)[1]] == ["runs"]
