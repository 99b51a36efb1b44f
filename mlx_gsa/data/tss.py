"""A data set of promoters: windows around transcription start sites, with activities or with controls."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from mlx_gsa.data.activity import NOT_JOINED, VERSIONLESS, read_activities
from mlx_gsa.data.choose import RENAMED_CHROM, Window
from mlx_gsa.data.collect import Limits
from mlx_gsa.data.promoters import PER_GENE, choose_starts, groups_of, one_place_each, promoter_region
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.data.windows import write_windows
from mlx_gsa.dna.annotation import Choices, kind_of, read_tss
from mlx_gsa.dna.bed import read_bed
from mlx_gsa.dna.intervals import IntervalSet
from mlx_gsa.errors import DatasetError, RegionError, TableError

ENOUGH_CHROMOSOMES = 5  # for a split by chromosome; with fewer, one test chromosome is no sample of the genome
UNKNOWN_CHROMOSOME = "TSS on a chromosome that the genome does not have"
PAST_THE_END = "TSS past the end of its chromosome: another assembly?"
NO_ACTIVITY = "TSS without an activity"
SEVERAL_CHROMOSOMES = "genes with TSS on several chromosomes, which a split by chromosome may separate"


@dataclass(frozen=True)
class ActivityTable:
    """Where activities are.

    Attributes
    ----------
    path : str or Path
    column, id_column : str, optional
        See `read_activities`.
    log2 : bool
    pseudocount : float
    """

    path: str | Path
    column: str | None = None
    id_column: str | None = None
    log2: bool = False
    pseudocount: float = 0.0


def dataset_from_tss(
    genome,
    tss,
    out,
    *,
    upstream=2000,
    downstream=0,
    kind=None,
    choices=None,
    per_gene="all",
    activity=None,
    controls=(),
    exclude=None,
    origin=None,
    plan=None,
    limits=None,
    progress=None,
):
    """Prepare a data set of promoters, each read in its gene's direction.

    With activities it is a regression; without, promoters against controls. Starts of one gene and overlapping
    windows form one group, so that neither crosses a split by group; the split goes by chromosome where there are
    at least `ENOUGH_CHROMOSOMES`, and by group otherwise. Genes that share one start share one sequence: all are
    kept, in one split, and counted as copies.

    Parameters
    ----------
    genome : Genome
    tss : str or Path
        See `read_tss`.
    out : str or Path
        Folder to make.
    upstream, downstream : int
        In bp; `mlx_gsa.data.promoters` has the picture.
    kind : str, optional
        Format of `tss`; by default known by its content.
    choices : Choices, optional
        What to take from `tss`.
    per_gene : str
        ``all``, ``first`` or ``strongest``; see `choose_starts`.
    activity : ActivityTable, optional
        Joined by the start's id, then its gene and the gene's other names.
    controls : tuple of Control
        Without activities, at least one.
    exclude : IntervalSet, optional
        Windows that touch it are left out.
    origin : dict, optional
        Where the file came from, for the manifest.
    plan : SplitPlan, optional
    limits : Limits, optional
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    Dataset

    Raises
    ------
    TableError
        A file cannot be read or has nothing that can be used.
    DatasetError
        Neither activities nor controls, both, windows without a base, or no window that can be used.
    SplitError
        The windows cannot be split as asked.
    """
    _check_request(upstream, downstream, per_gene, activity, controls)
    choices, counts = choices or Choices(), _Counts()
    kind = kind or (kind_of(tss) if str(tss) != "-" else None)
    starts = one_place_each(read_tss(tss, kind, choices=choices, dropped=counts.dropped), counts.dropped)
    starts = _on_the_genome(starts, genome, tss, counts)
    labels = None
    if activity is not None:
        starts, labels = _join(starts, activity, counts)
    kept = choose_starts(starts, per_gene, counts.dropped, labels)
    windows = _windows([starts[i] for i in kept], labels and [labels[i] for i in kept], upstream, downstream)
    plan = _planned(plan or SplitPlan(), windows, counts)
    binary = activity is None
    return write_windows(
        out,
        genome,
        windows,
        task="binary" if binary else "regression",
        source=_describe(tss, kind, choices, upstream, downstream, per_gene, activity)
        | ({"origin": origin} if origin else {}),
        plan=plan,
        limits=limits or Limits(),
        classes=["control", "promoter"] if binary else None,
        controls=tuple(controls),
        exclude=exclude,
        overlaps="keep",
        dropped=counts.dropped,
        normalised=counts.normalised,
        progress=progress,
    )


def excluded_regions(paths, genome):
    """Read regions to leave out, under the genome's names of the chromosomes.

    Parameters
    ----------
    paths : iterable of str or Path
        BED files, such as a blacklist.
    genome : Genome

    Returns
    -------
    IntervalSet or None
        None without a file. Regions on chromosomes that the genome does not have cannot touch a window.

    Raises
    ------
    RegionError
        A file is no BED, or no region of any is on a chromosome of the genome.
    """
    if not paths:
        return None
    regions = [feature.region for path in paths for feature in read_bed(path)]
    named = ((genome.resolve(region.chrom), region) for region in regions)
    found = IntervalSet.of(replace(region, chrom=name) for name, region in named if name)
    if not len(found):
        where, mend = ", ".join(map(str, paths)), "Give a blacklist of this assembly, or leave it out."
        raise RegionError("no region to exclude is on a chromosome of the genome", where=where, mend=mend)
    return found


class _Counts:
    """What was dropped and changed on the way to the windows."""

    def __init__(self):
        self.dropped, self.normalised = Counter(), Counter()


def _check_request(upstream, downstream, per_gene, activity, controls):
    """Raise for a request that cannot be met."""
    if upstream < 0 or downstream < 0 or not upstream + downstream:
        found = f"{upstream} bp upstream and {downstream} downstream"
        raise DatasetError("a window without a base", expected="upstream + downstream above 0", found=found)
    if per_gene not in PER_GENE:
        raise DatasetError("unknown choice of TSS", expected=", ".join(PER_GENE), found=repr(per_gene))
    if activity is None and not controls:
        raise DatasetError(
            "promoters alone have nothing to learn from",
            expected="activities or controls",
            mend="Give --activity TABLE for a regression, or --negatives random-genomic to tell promoters from others.",
        )
    if activity is not None and controls:
        raise DatasetError(
            "both activities and controls",
            expected="one of them",
            mend="A control has no activity: leave out --negatives, or --activity.",
        )


def _on_the_genome(starts, genome, path, counts):
    """Keep the starts on chromosomes that the genome has, under its own names for them."""
    kept, strangers = [], Counter()
    for one in starts:
        name = genome.resolve(one.chrom)
        if name is None:
            strangers[one.chrom] += 1
        elif one.position >= genome.lengths[name]:
            counts.dropped[PAST_THE_END] += 1
        else:
            counts.normalised[RENAMED_CHROM] += name != one.chrom
            kept.append(replace(one, chrom=name))
    if strangers:
        counts.dropped[UNKNOWN_CHROMOSOME] += strangers.total()
    if not kept:
        shown = ", ".join(name for name, _ in strangers.most_common(5))
        past = counts.dropped[PAST_THE_END]
        raise TableError(
            "no TSS lies on the genome",
            where=str(path),
            expected=f"chromosomes such as {', '.join(genome.names[:5])}",
            found=(shown or "known chromosomes") + (f"; {past:,} TSS past the end" if past else ""),
            mend="Are genome and TSS of the same species and assembly?",
        )
    return kept


def _join(starts, table, counts):
    """Return the starts that have an activity, and the activities."""
    options = {"log2": table.log2, "pseudocount": table.pseudocount}
    found = read_activities(table.path, table.column, table.id_column, **options, **vars(counts))
    kept, labels, versionless = [], [], 0
    for one in starts:
        match = found.find((one.id, one.gene, *one.names))
        if match is None:
            counts.dropped[NO_ACTIVITY] += 1
            continue
        kept.append(one)
        labels.append(match[0])
        versionless += match[1]
    if not kept:
        raise TableError(
            "no TSS has an activity",
            where=found.name,
            expected=f"ids such as {', '.join(one.id for one in starts[:3])}",
            found=", ".join(list(found.values)[:3]),
            mend="Choose the column of ids with --id-column.",
        )
    counts.dropped[NOT_JOINED] += found.unused
    counts.normalised[VERSIONLESS] += versionless
    return kept, labels


def _windows(starts, labels, upstream, downstream):
    """Build the windows with their groups."""
    regions = [promoter_region(one, upstream, downstream) for one in starts]
    groups = groups_of(regions, [one.gene for one in starts])
    labels = labels or [1.0] * len(starts)
    return [
        Window(region, one.id, label, group, {"gene": one.gene})
        for one, region, label, group in zip(starts, regions, labels, groups, strict=True)
    ]


def _planned(plan, windows, counts):
    """Decide between chromosomes and groups where the plan leaves it open; count genes that may be separated."""
    if plan.by == "auto":
        chromosomes = {window.region.chrom for window in windows}
        enough = plan.chroms or len(chromosomes) >= max(ENOUGH_CHROMOSOMES, plan.folds)
        plan = replace(plan, by="chromosome" if enough else "group")
    if plan.by == "chromosome":
        places = {}
        for window in windows:
            places.setdefault(window.extra["gene"], set()).add(window.region.chrom)
        counts.normalised[SEVERAL_CHROMOSOMES] += sum(len(chromosomes) > 1 for chromosomes in places.values())
    return plan


def _describe(tss, kind, choices, upstream, downstream, per_gene, activity):
    """Return what the manifest says of the source: the files' names, and every choice made."""
    said = {"kind": "tss", "file": Path(tss).name, "format": kind, "upstream": upstream, "downstream": downstream}
    said |= {"tss_per_gene": per_gene, "counting": choices.counting}
    if kind in ("gtf", "gff3"):
        said |= {"feature": choices.feature, "gene_types": list(choices.gene_types)}
    if activity is not None:
        said["activity"] = {**vars(activity), "path": Path(activity.path).name}
    return said
