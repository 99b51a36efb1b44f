"""The leakage report of a data set: what validation and test share with training, and whether that spoils them."""

from dataclasses import asdict

import numpy as np

from mlx_gsa.data.copies import sequence_key
from mlx_gsa.data.overlaps import overlap_bp
from mlx_gsa.data.pairs import similar_pairs
from mlx_gsa.data.records import UNKNOWN
from mlx_gsa.data.similarity import GIANT, SHARE, Threshold, chance_threshold
from mlx_gsa.dna.sketch import sketch

CLEAN, ALARM = "clean", "alarm"
MOST_ASKED = 20_000  # records of a split that are compared with training; more are sampled
SYNTHETIC = {"most_asked": 200, "most_kept": 2000}  # its records are drawn independently: a look is enough
NEAR_DUPLICATE = 0.8  # similarity: 90 % identity along all of the shorter record
ALARM_SHARE = {"overlapping": 0.01, "copies": 0.01, "near_duplicates": 0.01}
ALARM_SHARE |= {"similar": 0.05, "in_crossing_groups": 0.05}
WORDS = {
    "overlapping": "overlap {other} in the genome",
    "copies": "have the sequence of {other}",
    "near_duplicates": "are near-duplicates of {other}",
    "similar": "are similar to {other}",
    "in_crossing_groups": "are of the group of {other}",
}
MEND = {
    "overlapping": "--split chromosome, or similarity",
    "copies": "--split similarity, or --crossing drop",
    "near_duplicates": "--split similarity, or --crossing drop",
    "similar": "--split similarity, or --crossing drop",
    "in_crossing_groups": "--split group",
}
QUANTILES = {"median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def leakage_report(sequences, records, source, seed=0, *, most_asked=MOST_ASKED, most_kept=None):
    """Compare validation and test, and every fold, with what is trained on beside them.

    Parameters
    ----------
    sequences : TokenFile or Dataset
    records : Records
    source : dict
        The manifest's: how the split was made, and the threshold of a similarity split.
    seed : int or None
        Of samples and shuffles.
    most_asked : int
        Larger splits are sampled.
    most_kept : int, optional
        Most training records compared with; all by default.

    Returns
    -------
    dict
        ``verdict`` (``clean`` or ``alarm``), ``reasons``, ``mend``, and the figures behind them: ``threshold``,
        ``splits`` and, with folds, ``folds``. Anything JSON can hold.
    """
    rng = np.random.default_rng([seed or 0, len(records)])
    parts = _parts(records)
    used = _sample(parts, rng, most_asked, most_kept)
    threshold = _threshold(sequences, source, used, seed or 0)
    seeds = sketch(sequences.tokens, sequences.offsets, np.flatnonzero(used["any"]))
    look = _Look(sequences, records, seeds, threshold, used)
    report = {"threshold": asdict(threshold) | {"seed_weight": seeds.weight}, "split_by": source.get("split_by")}
    report["splits"] = {name: look.compare(name, "train") for name in ("test", "val") if parts[name].any()}
    if "fold" in records.extra:
        report["folds"] = look.folds(records.extra["fold"])
    return _verdict(report, source) | report


def _parts(records):
    """Return a mask for each split."""
    return {name: records.split == name for name in ("train", "val", "test")}


def _sample(parts, rng, most_asked, most_kept):
    """Return masks of the records looked at, by split, and of any."""
    most = {"train": most_kept, "val": most_asked, "test": most_asked}
    used = {}
    for name, mask in parts.items():
        rows = np.flatnonzero(mask)
        if most[name] is not None and len(rows) > most[name]:
            rows = rng.choice(rows, most[name], replace=False)
        used[name] = np.isin(np.arange(len(mask)), rows)
    return used | {"any": used["train"] | used["val"] | used["test"]}


def _threshold(sequences, source, used, seed):
    """Return the threshold of the split, or the one that shuffles give."""
    known = source.get("similarity") or source.get("crossing")
    if known:
        return Threshold(known["share"], known["chance"])
    rows = np.flatnonzero(used["any"])
    return chance_threshold(sequences, SHARE, seed=seed, rows=rows)


class _Look:
    """Compares parts of the records that were sampled."""

    def __init__(self, sequences, records, seeds, threshold, used):
        self.sequences, self.records, self.seeds = sequences, records, seeds
        self.threshold, self.used = threshold, used
        self.lengths = np.diff(sequences.offsets)
        self.keys = np.full(len(records), b"", dtype=object)
        for i in np.flatnonzero(used["any"]):
            self.keys[i] = sequence_key(np.asarray(sequences.sequence(i)))

    def compare(self, name, other):
        """Return the figures of one split beside another."""
        asked, kept = self.used[name], self.used[other]
        pairs = similar_pairs(
            self.sequences.tokens, self.sequences.offsets, self.seeds.of(asked), self.seeds.of(kept)
        )
        copies = self._shared(self.keys, asked, kept)
        figures = self._figures(asked, kept, copies, *self._nearest(pairs))
        return figures | {"records": int((self.records.split == name).sum())}

    def _figures(self, asked, kept, copies, nearest, similar):
        """Return the figures of some records beside others."""
        r, nearest = self.records, np.where(copies, 1.0, nearest[asked])
        overlap = overlap_bp(r.chrom, r.start, r.end, asked, kept)
        groups = self._shared(r.group, asked, kept)
        chroms = self._shared(r.chrom, asked, kept) & (r.chrom[asked] != UNKNOWN)
        counts = {
            "overlapping": int((overlap > 0).sum()),
            "copies": int(copies.sum()),
            "near_duplicates": int((nearest >= NEAR_DUPLICATE).sum()),
            "similar": int((similar[asked] | copies).sum()),
            "in_crossing_groups": int(groups.sum()),
        }
        n = int(asked.sum())
        return {
            "compared": n, **counts, "share": {name: round(count / max(n, 1), 5) for name, count in counts.items()},
            "overlap_bp": int(overlap.sum()),
            "crossing_groups": len(set(r.group[asked][groups].tolist())),
            "crossing_chromosomes": sorted(set(r.chrom[asked][chroms].tolist())),
            "nearest_similarity": {
                key: round(float(np.quantile(nearest, q)) if n else 0.0, 4) for key, q in QUANTILES.items()
            },
        }  # fmt: skip

    def _shared(self, labels, asked, kept):
        """Say which of the asked records have a label that a kept one has."""
        there = set(labels[kept].tolist())
        return np.array([label in there for label in labels[asked].tolist()], dtype=bool)

    def _nearest(self, pairs):
        """Return for each record its highest similarity, and whether a score reaches what is needed."""
        shorter = pairs.shorter(self.lengths)
        nearest, near = np.zeros(len(self.lengths)), np.zeros(len(self.lengths), dtype=bool)
        enough = pairs.scores >= self.threshold.needed(shorter)
        for side in (pairs.first, pairs.second):
            np.maximum.at(nearest, side, pairs.scores / shorter)
            near[side[enough]] = True
        return nearest, near

    def folds(self, fold):
        """Return the figures of each fold beside all others."""
        pairs = similar_pairs(self.sequences.tokens, self.sequences.offsets, self.seeds, part=fold)
        nearest, near = self._nearest(pairs)
        found, looked = {}, self.used["any"]
        for number in np.unique(fold[looked]).tolist():
            asked, kept = looked & (fold == number), looked & (fold != number)
            figures = self._figures(asked, kept, self._shared(self.keys, asked, kept), nearest, near)
            found[str(number)] = figures | {"records": int((fold == number).sum())}
        return found


def _verdict(report, source):
    """Return the verdict with its reasons in plain words, and what to do."""
    reasons, mend = [], []
    parts = [(f"{name} records", "a train record", figures) for name, figures in report["splits"].items()]
    parts += [(f"records of fold {name}", "a record of another fold", f) for name, f in report.get("folds", {}).items()]
    for name, other, figures in parts:
        for what, most in ALARM_SHARE.items():
            if figures["compared"] and figures[what] > most * figures["compared"]:
                count, words = f"{figures[what]:,} of {figures['compared']:,} {name}", WORDS[what].format(other=other)
                reasons.append(f"{count} ({figures['share'][what]:.1%}) {words}")
                mend.append(MEND[what])
    similarity = source.get("similarity") or {}
    notes = []
    if similarity.get("largest_cluster_share", 0) > GIANT:
        held = f"one cluster of similar records holds {similarity['largest_cluster_share']:.0%} of all"
        notes.append(f"{held}: a higher --similarity-threshold may part it")
    advice = f"Prepare again with {'; '.join(dict.fromkeys(mend))}." if mend else ""
    return {"verdict": ALARM if reasons else CLEAN, "reasons": reasons, "mend": advice, "notes": notes}
