"""Assign splits and folds as a plan says: whole chromosomes, groups, clusters of similar records, or single ones."""

from dataclasses import dataclass, field

import numpy as np

from mlx_gsa.data.overlaps import overlap_groups
from mlx_gsa.data.records import SPLITS, UNKNOWN, label_to_split_by
from mlx_gsa.data.similarity import Clusters
from mlx_gsa.data.splits import assign_folds, assign_splits
from mlx_gsa.errors import SplitError

STATED = "the table"
ROUNDS = 8
FOLD = "fold"
VALIDATION_SHARE = 1 / 8  # of what a fold leaves to train on
LESS = "Raise --similarity-threshold, or split by group, by chromosome or, if it must be, at random."


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of the records before they are split; every column has shape (n,).

    Attributes
    ----------
    labels : np.ndarray
    chrom, start, end : np.ndarray
        Unknown places are ``.`` and -1.
    kin : np.ndarray of str
        The same for exact copies, on either strand.
    groups : list of str or None
        As stated.
    """

    labels: np.ndarray
    chrom: np.ndarray
    start: np.ndarray
    end: np.ndarray
    kin: np.ndarray
    groups: list

    @property
    def units(self):
        """Return the stated group of each record, else its kin."""
        return np.array([g or k for g, k in zip(self.groups, self.kin, strict=True)], dtype=object)


@dataclass(frozen=True, eq=False)
class Assignment:
    """Where each record goes.

    Attributes
    ----------
    split : np.ndarray of str, shape (n,)
    fold : np.ndarray of int64, shape (n,), or None
    group : np.ndarray of str (object), shape (n,)
        What was kept together, or would have been: clusters, where similarity was asked.
    notes : dict
        For the manifest's source: ``split_by``, ``fold_by``, ``similarity``.
    """

    split: np.ndarray
    fold: np.ndarray | None
    group: np.ndarray
    notes: dict = field(default_factory=dict)


def assign(plan, task, facts, sequences, stated=None, fills_validation=True):
    """Assign every record to a split and, if asked, to a fold.

    Parameters
    ----------
    plan : SplitPlan
    task : str
    facts : Facts
    sequences : TokenFile
        Read only where similarity decides.
    stated : list of str or None, optional
        Splits as the source states them; they go before the plan's.
    fills_validation : bool
        Whether validation records are taken out of the stated training records where there are none.

    Returns
    -------
    Assignment

    Raises
    ------
    SplitError
        What the plan needs is not there, or does not allow as many parts.
    """
    stated = np.array(stated) if stated is not None and any(stated) else None
    by = choose(plan, facts.chrom, any(facts.groups)) if stated is None or plan.folds else None
    if by == "similarity":
        return _assign_by_similarity(plan, task, facts, sequences, stated, fills_validation)
    ways = {"chromosome": facts.chrom, "group": facts.units, "random": facts.kin}
    split, fold = _place_both(plan, task, facts, stated, ways.get(by), fills_validation)
    return Assignment(split, fold, facts.units, _notes(by, stated, fold))


def _notes(by, stated, fold):
    """Return what the manifest says of how splits and folds were made."""
    return {"split_by": by if stated is None else STATED} | ({"fold_by": by} if fold is not None else {})


def _assign_by_similarity(plan, task, facts, sequences, stated, fills_validation):
    """Assign whole clusters; join those found to be similar across the splits made, and assign again."""
    together = [facts.units, facts.kin, overlap_groups(facts.chrom, facts.start, facts.end)]
    clusters = Clusters(sequences, together, plan.threshold, plan.seed)
    for _ in range(ROUNDS):
        _, first = np.unique(clusters.number, return_index=True)
        groups = facts.kin[first][clusters.number]
        try:
            split, fold = _place_both(plan, task, facts, stated, groups, fills_validation)
        except SplitError as problem:
            raise _too_alike(problem, clusters.facts()) from problem
        if not clusters.join_across(split if stated is None else None, fold):
            break
    notes = _notes("similarity", stated, fold) | {"similarity": clusters.facts()}
    return Assignment(split, fold, groups, notes)


def _too_alike(problem, facts):
    """Return the error of clusters that do not allow the split; a single record each is no matter of clusters."""
    if not facts["records_with_kin"]:
        return problem
    found = f"{facts['clusters']:,} clusters, the largest with {facts['largest_cluster_share']:.0%} of all records"
    return SplitError(f"too alike to split by similarity: {problem.what}", found=found, mend=LESS)


def _place_both(plan, task, facts, stated, groups, fills_validation):
    """Return the split and the fold (None without) of each record, groups kept together."""
    labels, n = facts.labels, len(facts.labels)
    if groups is not None and plan.by != "group" and len(set(groups.tolist())) == n:
        groups = None  # nothing to keep together
    if stated is not None:
        if plan.chroms:
            raise SplitError("splits are stated, and chromosomes given", mend="Leave out one: --split-column none.")
        split = fill_validation(stated, labels, task, facts.units, plan) if fills_validation else stated
    elif plan.chroms:
        split = split_by_given(labels, task, facts.chrom, plan)
    else:
        split = assign_splits(n, labels, task, groups, plan.fractions, plan.seed)
    return split, assign_folds(n, labels, task, groups, plan.folds, plan.seed) if plan.folds else None


def choose(plan, chrom, has_groups):
    """Return what goes to one split as a whole: ``group``, ``chromosome``, ``similarity`` or ``random``.

    Raises
    ------
    SplitError
        The plan asks for groups or chromosomes, and there are none.
    """
    by, chromosomes = "chromosome" if plan.chroms else plan.by, set(chrom.tolist())
    if by == "group" and not has_groups:
        raise SplitError("no groups to split by", mend="Name the column of groups, or split by similarity.")
    if by == "chromosome" and chromosomes == {UNKNOWN}:
        raise SplitError("no chromosomes to split by", mend="Name the column of chromosomes, or split by similarity.")
    if by != "auto":
        return by
    if has_groups:
        return "group"
    enough = max(len(SPLITS), plan.folds)
    return "chromosome" if UNKNOWN not in chromosomes and len(chromosomes) >= enough else "similarity"


def split_by_given(labels, task, chrom, plan):
    """Split by the chromosomes given; a split for which none is given gets some of the others, by the fractions.

    Parameters
    ----------
    labels : np.ndarray, shape (n,)
    task : str
    chrom : np.ndarray of str, shape (n,)
    plan : SplitPlan

    Returns
    -------
    np.ndarray of str, shape (n,)

    Raises
    ------
    SplitError
        A chromosome is not in the data, or nothing is left to train on.
    """
    known = {_bare(name): name for name in sorted(set(chrom.tolist()) - {UNKNOWN})}
    missing = [name for name in plan.chroms if _bare(name) not in known]
    if missing:
        raise SplitError(
            "a chromosome given is not in the data",
            expected=_some(known.values()), found=", ".join(missing), mend="Give chromosomes of the data.",
        )  # fmt: skip
    split = np.full(len(chrom), "train", dtype="U5")
    for name, given in (("val", plan.val_chroms), ("test", plan.test_chroms)):
        split[np.isin(chrom, [known[_bare(each)] for each in given])] = name
    if not (split == "train").any():
        raise SplitError("no chromosome is left to train on", found=_some(plan.chroms), mend="Give fewer chromosomes.")
    for place, name in ((1, "val"), (2, "test")):
        if name not in split and plan.fractions[place]:
            split = take_from_training(split, name, plan.fractions[place], labels, task, chrom, plan.seed)
    return split


def _bare(chrom):
    """Return a chromosome's name without ``chr``, so that chr8 and 8 are the same."""
    return chrom.lower().removeprefix("chr")


def _some(names, most=12):
    """Write a few names."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def fill_validation(split, labels, task, groups, plan):
    """Take a validation split out of the training records if the stated splits have none.

    Parameters
    ----------
    split : np.ndarray of str, shape (n,)
        As stated.
    labels : np.ndarray, shape (n,)
    task : str
    groups : np.ndarray of str, shape (n,)
        Stay together.
    plan : SplitPlan

    Returns
    -------
    np.ndarray of str, shape (n,)
    """
    if "val" in split or "train" not in split:
        return split
    share = plan.fractions[1] / (plan.fractions[0] + plan.fractions[1])
    return take_from_training(split, "val", share, labels, task, groups, plan.seed)


def take_from_training(split, name, share, labels, task, groups, seed):
    """Move a share of the training records, in whole groups, to another split.

    Parameters
    ----------
    split : np.ndarray of str, shape (n,)
    name : str
        ``val`` or ``test``.
    share : float
        Of the training records.
    labels, task, groups, seed
        As for `assign_splits`.

    Returns
    -------
    np.ndarray of str, shape (n,)
    """
    split, rows = split.astype("U5"), np.flatnonzero(split == "train")
    taken = assign_splits(len(rows), labels[rows], task, groups[rows], (1 - share, share, 0.0), seed)
    split[rows[taken == "val"]] = name
    return split


def split_of_fold(records, fold, by, task, seed):
    """Return the splits under which one fold is the test.

    Parameters
    ----------
    records : Records
        With the column ``fold``.
    fold : int
    by : str
        What the folds were made of; validation records are taken in the same units.
    task : str
    seed : int

    Returns
    -------
    np.ndarray of str, shape (n,)

    Raises
    ------
    SplitError
        No folds, no such fold, or too few units are left for validation.
    """
    folds = records.extra.get(FOLD)
    if folds is None:
        raise SplitError("the data set has no folds", mend="Prepare it with --folds 5, or leave out --fold.")
    last = int(folds.max())
    if not 0 <= fold <= last:
        raise SplitError("no such fold", expected=f"0 to {last}", found=str(fold))
    split = np.where(folds == fold, "test", "train").astype("U5")
    units = records.chrom if by == "chromosome" else records.group
    labels = label_to_split_by(records.labels, task)
    return take_from_training(split, "val", VALIDATION_SHARE, labels, task, units, [seed, fold])


def split_as_trained(run, dataset):
    """Return a data set split as it was in training: by the run's fold, if the data are the run's own.

    Parameters
    ----------
    run : RunInfo
    dataset : Dataset

    Returns
    -------
    Dataset
    """
    fold = getattr(run, "fold", None)
    return dataset if fold is None or run.data_hash != dataset.data_hash else dataset.with_fold(fold)
