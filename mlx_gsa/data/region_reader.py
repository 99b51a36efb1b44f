"""Turn the lines of BED files into windows of a genome: centred, labelled, and doubted where there is reason to."""

from collections import Counter
from dataclasses import dataclass
from math import log2

from mlx_gsa.data.choose import ASSEMBLY, UNKNOWN_CHROM, Window
from mlx_gsa.data.labels import nearest
from mlx_gsa.dna.bed import NO_SUMMIT, read_bed
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import ConfigError, RegionError

COLUMNS = {"value": 3, "score": 4, "signalvalue": 6, "pvalue": 7, "qvalue": 8}
PAST_END = "region past the end of its chromosome"
REPEATED = "line that repeats an earlier one"
NO_SUMMIT_KNOWN = "regions without a summit, centred on their midpoint"
NO_NUMBER = "activity that is not a number"
NOT_STATED = "activity that is not stated (-1)"
NOT_ABOVE_ZERO = "activity without a logarithm, as it is not above zero"
RENAMED_CHROM = "regions whose chromosome has another name in the genome"
MANY_UNKNOWN, SAME_LENGTHS = 0.1, 20  # share of unknown chromosomes, number of regions of one length: worth a word


@dataclass(frozen=True)
class RegionChoices:
    """What is taken of each region.

    Attributes
    ----------
    length : int
        bp around the centre; 0: each region as it is.
    center : str
        ``summit`` (column 10 of narrowPeak; the midpoint where there is none) or ``midpoint``.
    activity : str or None
        ``score``, ``signalValue``, ``pValue``, ``qValue``, ``value`` (bedGraph), or a column's number from 1.
    log2 : bool
        Predict ``log2(activity + pseudocount)``.
    pseudocount : float
    strand_aware : bool
        Regions on strand ``-`` give the reverse complement; else all are read on the forward strand.
    """

    length: int = 0
    center: str = "summit"
    activity: str | None = None
    log2: bool = False
    pseudocount: float = 0.0
    strand_aware: bool = True

    def __post_init__(self):
        if self.center not in ("summit", "midpoint"):
            raise ConfigError("unknown centre", expected="summit or midpoint", found=repr(self.center))
        if self.activity is not None:
            activity_column(self.activity)


def activity_column(name):
    """Return the number, from 0, of the column that holds an activity.

    Raises
    ------
    ConfigError
        No such column is known.
    """
    if name.lower() in COLUMNS:
        return COLUMNS[name.lower()]
    if name.isdecimal() and int(name) > 3:
        return int(name) - 1
    known = ["score", "signalValue", "pValue", "qValue", "value"]
    expected = ", ".join(known) + ", or a column's number from 4"
    raise ConfigError("unknown column of activities", expected=expected, found=repr(name), mend=nearest(name, known))


class RegionReader:
    """Reads files of regions for one data set.

    Attributes
    ----------
    dropped, normalised : Counter
        Gain what was left out and changed.
    warnings : list of str
        What makes one doubt the input.
    """

    def __init__(self, genome, choices, dropped, normalised):
        self.genome, self.choices = genome, choices
        self.dropped, self.normalised, self.warnings = dropped, normalised, []

    def windows(self, path):
        """Yield a window for each region that lies in the genome; its label is 1 or the activity.

        Parameters
        ----------
        path : str or Path

        Yields
        ------
        Window
            Under the genome's name of the chromosome; it may reach past an edge.

        Raises
        ------
        RegionError
            The file cannot be used, none of its regions lies in the genome, or none has an activity.
        """
        counts, own, seen, lengths = Counter(), Counter(), set(), Counter()
        for feature in read_bed(path, counts=counts):
            own["read"] += 1
            key = hash(feature.fields)
            reason = REPEATED if key in seen else self._reason_against(feature.region)
            seen.add(key)
            label = 1.0
            if reason is None and self.choices.activity is not None:
                label, reason = self._activity(feature, path)
            if reason:
                own[reason] += 1
                continue
            lengths[feature.region.end - feature.region.start] += 1
            yield self._window(feature, label)
        counts.pop(NO_SUMMIT, None)  # what became of them is counted as NO_SUMMIT_KNOWN
        self.normalised.update(counts)
        read = own.pop("read")
        self.dropped.update(own)
        self._check(path, read, own)
        self._doubt_starts(path, lengths)

    def _reason_against(self, region):
        """Return why a region does not lie in the genome, or None."""
        name = self.genome.resolve(region.chrom)
        if name is None:
            return UNKNOWN_CHROM
        return PAST_END if region.end > self.genome.lengths[name] else None

    def _window(self, feature, label):
        """Return the window of a feature."""
        region, length = feature.region, self.choices.length
        chrom = self.genome.resolve(region.chrom)
        if chrom != region.chrom:
            self.normalised[RENAMED_CHROM] += 1
        start, end = region.start, region.end
        if length:
            start = self._center(feature) - length // 2
            end = start + length
        place = Region(chrom, start, end, region.strand if self.choices.strand_aware else ".")
        score = feature.score if feature.signal is None else feature.signal
        return Window(place, feature.name or str(place), label, score=score)

    def _center(self, feature):
        """Return the position around which to take the window."""
        if self.choices.center == "summit":
            if feature.summit is not None:
                return feature.summit
            self.normalised[NO_SUMMIT_KNOWN] += 1
        return (feature.region.start + feature.region.end) // 2

    def _activity(self, feature, path):
        """Return the activity of a feature, or None and the reason why it has none."""
        column, name = activity_column(self.choices.activity), self.choices.activity
        fields = feature.fields
        if name.lower() == "score" and len(fields) == 4 and feature.score is not None:
            column = COLUMNS["value"]
        if column >= len(fields):
            where, found = f"{path}, line {feature.line}", f"{len(fields)} columns"
            mend = "Name a column that the file has, by its number from 1."
            raise RegionError(
                f"no column for the activity {name}", where=where, expected=f"at least {column + 1} columns",
                found=found, mend=mend,
            )  # fmt: skip
        try:
            value = float(fields[column])
        except ValueError:
            return None, NO_NUMBER
        if abs(value) == float("inf") or value != value:
            return None, NO_NUMBER
        if value == -1 and name.lower() in ("pvalue", "qvalue"):
            return None, NOT_STATED
        return self._scaled(value)

    def _scaled(self, value):
        """Return the value, or its logarithm; None and the reason where it has none."""
        if not self.choices.log2:
            return value, None
        value += self.choices.pseudocount
        return (log2(value), None) if value > 0 else (None, NOT_ABOVE_ZERO)

    def _check(self, path, read, own):
        """Raise if nothing of a file is left; note what speaks for another assembly."""
        unknown, past = own[UNKNOWN_CHROM], own[PAST_END]
        names = ", ".join(self.genome.names[:5]) + (", ..." if len(self.genome.names) > 5 else "")
        if read == own.total():
            found = ", ".join(f"{number:,} {reason}" for reason, number in own.most_common())
            mend = ASSEMBLY if unknown + past else "Name another column, or leave out --log2."
            raise RegionError(
                "no region can be used", where=str(path), found=found, mend=mend,
                expected=f"chromosomes such as {names}" if unknown else None,
            )  # fmt: skip
        if past or unknown > MANY_UNKNOWN * read:
            says = f"{past:,} of {read:,} regions end past their chromosome, {unknown:,} are on unknown chromosomes"
            self.warnings.append(f"{path}: {says}. {ASSEMBLY}")

    def _doubt_starts(self, path, lengths):
        """Note regions that are all one bp shorter than a round number, as 1-based starts make them."""
        if len(lengths) == 1 and lengths.total() >= SAME_LENGTHS and (next(iter(lengths)) + 1) % 50 == 0:
            says = f"all {lengths.total():,} regions are {next(iter(lengths))} bp long"
            self.warnings.append(f"{path}: {says}. Their starts may count from 1, where BED counts from 0.")
