"""What a tuning varies: the four types, and how a bad file is refused."""

import pytest

from mlx_gsa.config import load_config, parse_assignments
from mlx_gsa.errors import ConfigError
from mlx_gsa.experiments.space import Space, load_space


class Recorder:
    """Stands for a trial: gives the lowest or first value and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def suggest_float(self, name, low, high, log=False):
        self.asked.append((name, low, high, log))
        return low

    def suggest_int(self, name, low, high, step=1):
        self.asked.append((name, low, high, step))
        return low

    def suggest_categorical(self, name, choices):
        self.asked.append((name, choices))
        return choices[0]


def space(**tables):
    return Space.model_validate(tables)


def test_each_type_reaches_the_library():
    trial = Recorder()
    found = space(
        dropout={"type": "float", "low": 0, "high": 0.5},
        learning_rate={"type": "log", "low": 1e-4, "high": 1e-2},
        n_channels={"type": "int", "low": 8, "high": 32, "step": 8},
        distance={"type": "choice", "choices": [True, False]},
    ).suggest(trial)
    assert found == {"dropout": 0.0, "learning_rate": 1e-4, "n_channels": 8, "distance": True}
    assert trial.asked == [
        ("dropout", 0.0, 0.5, False), ("learning_rate", 1e-4, 1e-2, True), ("n_channels", 8, 32, 8),
        ("distance", (True, False)),
    ]  # fmt: skip


def test_the_space_that_ships_is_of_settings():
    found = load_space()
    settings = parse_assignments(f"{name}={value}" for name, value in found.corner().items())
    assert load_config(None, settings).training.learning_rate == 5e-4
    assert set(found.root) >= {"learning_rate", "embedding_rate", "n_channels", "selector_hidden", "dropout"}


@pytest.mark.parametrize(
    "text, message",
    [
        ('[dropout]\ntype = "float"\nlow = 0.3\nhigh = 0.1\n', "dropout in .*low .0.3. is above high .0.1."),
        ('[dropout]\ntype = "flat"\nlow = 0\n', "unknown type of setting.*expected float, log, int or choice"),
        ('[rate]\ntype = "log"\nlow = 0\nhigh = 1\n', "rate.low in .*greater than 0"),
        ('[rate]\ntype = "log"\nlow = 1\n', "key is missing .rate.high in"),
        ('[rate]\ntype = "choice"\nchoises = [1]\n', "unknown key .rate.choises"),
        ('[rate]\ntype = "choice"\nchoices = []\n', "value cannot be used .rate.choices in"),
        ("", "search space cannot be used"),
        ("[rate", "search space is not TOML"),
        (None, "search space cannot be read"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, text, message):
    path = tmp_path / "space.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_space(path)
    assert str(path) in caught.value.where


def test_an_unknown_key_gets_the_nearest(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text('[rate]\ntype = "int"\nlow = 1\nhigh = 2\nstepp = 1\n')
    with pytest.raises(ConfigError) as caught:
        load_space(path)
    assert caught.value.mend == "Did you mean step?"
