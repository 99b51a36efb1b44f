"""Small files: no nan, no place, arrays as lists."""

import json

import numpy as np

from mlx_gsa.experiments.json_files import read_lines, write_json


def test_no_place_and_no_nan_is_written(tmp_path):
    value = {"a": [f"{tmp_path}/data/z", float("nan"), float("inf")], 1: np.arange(2), "b": f"gsa x {tmp_path}/runs/y"}
    path = write_json(tmp_path / "x/y.json", value, [tmp_path.parent, tmp_path])
    assert json.loads(path.read_text()) == {"a": ["data/z", None, None], "1": [0, 1], "b": "gsa x runs/y"}


def test_a_row_is_a_line_and_texts_stay_as_they_are(tmp_path):
    value = {"rows": [{"low": 1, "high": [2, 3]}, {"low": "a [ b ]\n { c }"}], "empty": [], "none": {}}
    text = write_json(tmp_path / "x.json", value).read_text()
    assert json.loads(text) == value and '"high": [2, 3]' in text and '{"low": "a [ b ]\\n { c }"}' not in text


def test_lines_of_json_are_read(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n')
    assert read_lines(tmp_path / "x.jsonl") == [{"a": 1}, {"a": 2}] and read_lines(tmp_path / "none") == []
