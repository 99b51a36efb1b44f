"""From transcription start sites to promoters: which starts of a gene, the window of each, what belongs together.

The window of a start t (0-based) with U bp upstream and D bp downstream is U + D bp long on either strand::

    on +   5' ==[------ U ------)[t----- D ------)=> 3'      [t - U, t + D)
                t-U              t               t+D

    on -   3' <=[------ D -----t)[------ U ------)== 5'      [t + 1 - D, t + 1 + U)
                t+1-D            t+1             t+1+U

Read in the gene's own direction, the start is base U of the sequence (counted from 0) on both strands, where D is
at least 1. With D = 0 the sequence ends one base before it.
"""

import math

from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import TableError

PER_GENE = ("all", "first", "strongest")
SAME_PLACE = "TSS at the place of an earlier one of its gene"
FURTHER = "further TSS of a gene"


def promoter_region(tss, upstream, downstream, chrom=None):
    """Return the window around a start; see the picture above.

    Parameters
    ----------
    tss : Tss
    upstream, downstream : int
        In bp; their sum is the length.
    chrom : str, optional
        The genome's name of the chromosome, where it differs.

    Returns
    -------
    Region
        Not checked against the ends of the chromosome.
    """
    at = tss.position
    start, end = (at - upstream, at + downstream) if tss.strand == "+" else (at + 1 - downstream, at + 1 + upstream)
    return Region(chrom or tss.chrom, start, end, tss.strand)


def one_place_each(starts, dropped):
    """Keep the first of the starts that share gene, place and strand, such as transcripts that begin alike.

    Parameters
    ----------
    starts : iterable of Tss
    dropped : Counter

    Returns
    -------
    list of Tss
    """
    first = {}
    for one in starts:
        key = (one.gene, one.chrom, one.position, one.strand)
        if first.setdefault(key, one) is not one:
            dropped[SAME_PLACE] += 1
    return list(first.values())


def choose_starts(starts, how, dropped, activities=None):
    """Choose among the starts of each gene (per chromosome and strand).

    Parameters
    ----------
    starts : list of Tss
    how : str
        ``all``; ``first``, the one furthest upstream; ``strongest``, by the score in the file if scores differ,
        else by activity, the earlier line first where equal.
    dropped : Counter
    activities : list of float, optional
        One per start.

    Returns
    -------
    list of int
        The numbers of the starts that are kept, in order.

    Raises
    ------
    TableError
        Genes have several starts, and nothing tells which is strongest.
    """
    genes = {}
    for number, one in enumerate(starts):
        genes.setdefault((one.gene, one.chrom, one.strand), []).append(number)
    if how == "all" or len(genes) == len(starts):
        return list(range(len(starts)))
    if how == "first":
        kept = [min(members, key=lambda i: _downstream(starts[i])) for members in genes.values()]
    else:
        strength = _strengths(starts, genes.values(), activities)
        kept = [max(members, key=lambda i: strength[i]) for members in genes.values()]
    dropped[FURTHER] += len(starts) - len(kept)
    return sorted(kept)


def _downstream(tss):
    """Return a number that grows in the direction of transcription."""
    return tss.position if tss.strand == "+" else -tss.position


def _strengths(starts, genes, activities):
    """Return what to compare starts by; raise if there is nothing."""
    scores = [-math.inf if math.isnan(one.score) else one.score for one in starts]
    for values in (scores, activities or []):
        if values and any(len({values[i] for i in members}) > 1 for members in genes):
            return values
    raise TableError(
        "nothing tells which TSS of a gene is the strongest",
        expected="scores that differ, or an activity for each TSS",
        found="the same for all TSS of every gene",
        mend="Take the one furthest upstream, --tss-per-gene first, or all of them.",
    )


def groups_of(regions, genes):
    """Give one name to all windows that share a gene or overlap, directly or through others.

    Parameters
    ----------
    regions : list of Region
    genes : list of str
        One per region.

    Returns
    -------
    list of str
        The gene of the first window of each group.
    """
    parent = list(range(len(regions)))

    def root(number):
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    def join(one, other):
        one, other = sorted((root(one), root(other)))
        parent[other] = one

    first = {}
    for number, gene in enumerate(genes):
        join(first.setdefault(gene, number), number)
    for one, other in _overlapping(regions):
        join(one, other)
    return [genes[root(number)] for number in range(len(regions))]


def _overlapping(regions):
    """Yield pairs of numbers, enough to chain every run of overlapping windows; strands do not matter."""
    order = sorted(range(len(regions)), key=lambda i: (regions[i].chrom, regions[i].start))
    furthest = None
    for number in order:
        here = regions[number]
        if furthest is not None:
            last = regions[furthest]
            if last.chrom == here.chrom and here.start < last.end:
                yield furthest, number
                if here.end <= last.end:
                    continue
        furthest = number
