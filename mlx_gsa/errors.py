"""Every error a user can meet: what was wrong, where, what was expected, what came, how to mend it."""


class GsaError(Exception):
    """An error that the user can mend; the command line shows it in one panel and exits 1.

    Parameters
    ----------
    what : str
        One short sentence naming what is wrong.
    where : str, optional
        File, line, record or field.
    expected, found : str, optional
        What was expected there and what came instead.
    mend : str, optional
        What the user can do about it.
    """

    def __init__(self, what, *, where=None, expected=None, found=None, mend=None):
        self.what, self.where = what, where
        self.expected, self.found, self.mend = expected, found, mend
        super().__init__(str(self))

    def __str__(self):
        place = f" ({self.where})" if self.where else ""
        middle = [f"{name} {text}" for name, text in (("expected", self.expected), ("found", self.found)) if text]
        first = f"{self.what}{place}" + (": " + ", ".join(middle) if middle else "")
        return first + (f"\n{self.mend}" if self.mend else "")


class SequenceError(GsaError):
    """A sequence or sequence file that is not usable DNA."""


class GenomeError(GsaError):
    """A genome that cannot be read, or a place that is not in it."""


class RegionError(GsaError):
    """A BED or similar file, or regions of the genome, that cannot be used."""


class TableError(GsaError):
    """A table with a missing column, a bad value or no usable row."""


class DatasetError(GsaError):
    """A data set folder that is missing, damaged, foreign or does not fit the request."""


class SplitError(GsaError):
    """Records that cannot be split as asked."""


class MotifError(GsaError):
    """A motif file or motif name that cannot be used."""


class ConfigError(GsaError):
    """A configuration file, key or value that is not valid."""


class RunError(GsaError):
    """A run folder or checkpoint that is missing, damaged or does not fit the request."""


class DownloadError(GsaError):
    """A file of the web that cannot be had, or is not what was expected.

    Attributes
    ----------
    status : int or None
        What the server answered (HTTP).
    """

    status = None


class ResultsError(GsaError):
    """Results, or the plan of what to reproduce, that cannot be used."""


class VariantError(GsaError):
    """A VCF that cannot be read, or variants that do not fit the genome."""


class RankError(GsaError):
    """A training over several processes that do not fit each other, or of which one has stopped."""
