"""Run folders as `gsa train` and `gsa evaluate` leave them, made from numbers: for tests of what reads many runs."""

import json

import numpy as np

from mlx_gsa.data.dataset import Records, write_dataset


def make_dataset(folder, n=120, n_folds=3, task="binary", groups=None, seed=0):
    """Write a data set whose records test in fold i modulo n_folds."""
    rng = np.random.default_rng(seed)
    label = (np.arange(n) // n_folds % 2 if task == "binary" else rng.normal(size=n)).astype(np.float32)
    extra = {"fold": np.arange(n) % n_folds}
    group = None if groups is None else np.asarray(groups, object)
    split = np.resize(["train", "val", "test", "train"], n)
    records = Records.build([f"r{i}" for i in range(n)], label, split, group=group, extra=extra)
    classes = ["off", "on"] if task == "binary" else None
    tokens = [rng.integers(0, 4, 20).astype(np.uint8) for _ in range(n)]
    facts = {"task": task, "classes": classes, "source": {"kind": "test", "split_by": "random"}, "seed": 0}
    return write_dataset(folder, tokens, records, **facts)


def make_run(folder, dataset, predictions, seed=0, fold=None, simple=None, config="", **changes):
    """Write a finished and evaluated run.

    ``predictions`` and each of ``simple`` hold a value for every record of the data set; those tested are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = dataset.with_fold(fold).indices("test") if fold is not None else dataset.indices("test")
    manifest = {"format": "mlx_gsa.run", "format_version": 1, "finished": True, "seed": seed, "fold": fold}
    of = {"dataset": str(dataset.path), "data_hash": dataset.data_hash, "fold": fold} | changes.pop("of", {})
    cost = {"parameters": 1000, "flops": {"sparse": {"lookup": {"total": 5e6}}}}
    evaluation = {"manifest": of, "task": dataset.task, "n": len(rows), "kept_share": 0.1, "cost": cost}
    files = {"manifest.json": json.dumps(manifest | changes), "evaluation.json": json.dumps(evaluation)}
    columns = {"id": dataset.records.id, "label": dataset.records.label, "prediction": predictions, **(simple or {})}
    lines = ["\t".join(columns), *("\t".join(str(column[i]) for column in columns.values()) for i in rows)]
    files |= {"evaluation-predictions.tsv": "\n".join(lines) + "\n", "config.toml": config}
    rows = [{"kind": "epoch", "seconds": 1.5}, {"kind": "epoch", "seconds": 2.5}]
    files["metrics.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def guesses(dataset, noise, seed=0):
    """Predictions between 0 and 1 that know the label, less with more noise."""
    value = dataset.records.label + noise * np.random.default_rng(seed).normal(size=len(dataset))
    return 1 / (1 + np.exp(0.5 - value))
