"""Toy experiments, and `gsa` commands that only leave what the real ones leave behind."""

import json
from pathlib import Path

from toys import toy_dataset

from mlx_gsa.config import dump_config, load_config, parse_assignments
from mlx_gsa.data.manifest import read_manifest
from mlx_gsa.experiments.spec import parse_spec

QUICK = {"epochs": 1, "batch_size": 16, "kmer_length": 6, "filter_width": 12, "warmup": 0}


def toy_tables(**changes):
    """An experiment of two variants on data/toy, as it would be read from a file."""
    tables = {
        "name": "toy", "title": "Toy", "purpose": "To try things.", "reference": "full",
        "data": [{"name": "toy", "evaluate": ["--no-cost", "--bootstrap", "0"]}],
        "variants": [
            {"name": "sparse", "settings": QUICK | {"sparsity": 0.2}},
            {"name": "full", "label": "full attention", "settings": QUICK | {"attention": "full"}},
        ],
    }  # fmt: skip
    return tables | changes


def toy_spec(**changes):
    """The same, checked."""
    return parse_spec(toy_tables(**changes), "toy.toml")


def toy_data(folder="data/toy", n=60, seed=0):
    """Make the data set that the toy experiments are on, with few and short sequences."""
    Path(folder).parent.mkdir(parents=True, exist_ok=True)
    return toy_dataset(Path(folder), n=n, seed=seed, lengths=(60, 80))


def leave_run(config, folder, finished=True, epochs=None):
    """Leave what a training leaves: manifest, configuration, weights, metrics."""
    folder = Path(folder)
    (folder / "best").mkdir(parents=True, exist_ok=True)
    (folder / "best/model.safetensors").write_bytes(b"weights")
    (folder / "config.toml").write_text(dump_config(config))
    epochs = config.training.epochs if epochs is None else epochs
    rows = [
        {"kind": "epoch", "epoch": i + 1, "val_metric": 0.5, "metric_name": "r", "seconds": 2.0} for i in range(epochs)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    facts = {"finished": finished, "data_hash": read_manifest(Path(config.data.path)).data_hash}
    (folder / "manifest.json").write_text(json.dumps(facts))


class FakeSteps:
    """Stands for `process.Step`: does at once what a command leaves behind, and remembers what was asked for.

    Attributes
    ----------
    calls : list of tuple
        Arguments of every command, in order.
    codes : dict of str to int
        Exit code of commands whose text contains the key.
    polls : int
        How often a command is found running before it ends.
    """

    def __init__(self):
        self.calls, self.codes, self.polls, self.threads, self.interrupted = [], {}, 0, None, 0
        self.running = self.most = 0

    def __call__(self, command, log, threads, keep=()):
        text = " ".join(command.arguments)
        self.calls.append(command.arguments)
        self.threads, step = threads, _FakeStep(self, command, log)
        step.code = next((code for word, code in self.codes.items() if word in text), 0)
        if not step.code:
            getattr(self, f"_{command.arguments[0]}", lambda *_: None)(*command.arguments[1:])
        self.running += 1
        self.most = max(self.most, self.running)
        return step

    def commands(self, name):
        """The commands of one name."""
        return [call for call in self.calls if call[0] == name]

    def _prepare(self, *arguments):
        toy_data(arguments[arguments.index("--out") + 1], seed=int("again" in arguments))

    def _train(self, *arguments):
        if arguments[0] == "--resume":
            return leave_run(load_config(Path(arguments[1]) / "config.toml"), arguments[1])
        given = {name: arguments[arguments.index(name) + 1] for name in ("--data", "--seed", "--out")}
        settings = [arguments[i + 1] for i, part in enumerate(arguments) if part == "--set"]
        fixed = {"data.path": given["--data"], "training.seed": int(given["--seed"])}
        if "--fold" in arguments:
            fixed["data.fold"] = int(arguments[arguments.index("--fold") + 1])
        leave_run(load_config(None, parse_assignments(settings) | fixed), given["--out"])

    def _evaluate(self, folder, *_):
        for name in ("evaluation.json", "evaluation-predictions.tsv"):
            Path(folder, name).write_text("{}")


class _FakeStep:
    def __init__(self, owner, command, log):
        self.owner, self.command, self.log, self.left, self.ended = owner, command, log, owner.polls, False

    def poll(self):
        if self.left:
            self.left -= 1
            return None
        self._over()
        return self.code

    def interrupt(self):
        self.owner.interrupted += 1

    def end(self):
        self._over()

    def _over(self):
        if not self.ended:
            self.ended, self.owner.running = True, self.owner.running - 1
