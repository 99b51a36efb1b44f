"""Where a sequence lies: from positions in the sequence to positions in the genome, both strands."""

from dataclasses import dataclass

import numpy as np

OTHER_STRAND = {"+": "-", "-": "+"}


@dataclass(frozen=True)
class Place:
    """The interval a sequence was read from, or the sequence itself where no interval is known.

    Parameters
    ----------
    chrom : str
        Chromosome, or the record's id where no coordinates are known.
    start, end : int
        0-based, half-open (bp).
    strand : str
        ``'+'``, or ``'-'`` where the sequence is the reverse complement of the interval; ``'.'`` where not
        stated, which is read as the forward strand.
    genomic : bool
        Whether the coordinates are those of a genome.
    """

    chrom: str
    start: int
    end: int
    strand: str = "."
    genomic: bool = True

    @classmethod
    def of_record(cls, name: str, length: int) -> "Place":
        """Return the place of a record without coordinates: its own 0-based positions."""
        return cls("_".join(name.split()) or "sequence", 0, length, ".", genomic=False)

    @classmethod
    def of_region(cls, region, name: str, length: int) -> "Place":
        """Return the place of a parsed header.

        Parameters
        ----------
        region : Region or None
            What :func:`mlx_gsa.dna.coordinates.parse_region` made of the header.
        name : str
            The record's id, used where ``region`` is None.
        length : int
            Length of the sequence (bp).
        """
        if region is None or region.end - region.start != length:
            return cls.of_record(name, length)
        return cls(region.chrom, region.start, region.end, region.strand if region.strand in OTHER_STRAND else ".")

    def positions(self, indices) -> np.ndarray:
        """Map 0-based positions in the sequence to 0-based positions on the chromosome.

        On the minus strand the sequence's first base is the interval's last: ``end - 1 - i``.
        """
        indices = np.asarray(indices, dtype=np.int64)
        return self.end - 1 - indices if self.strand == "-" else self.start + indices

    def interval(self, start: int, end: int) -> tuple[int, int]:
        """Map a half-open interval of the sequence to the half-open interval of the chromosome."""
        if self.strand == "-":
            return self.end - int(end), self.end - int(start)
        return self.start + int(start), self.start + int(end)

    def strand_of(self, strand: str) -> str:
        """Map the strand of a site within the sequence to its strand on the chromosome."""
        return OTHER_STRAND.get(strand, strand) if self.strand == "-" else strand

    def text(self, start: int, end: int) -> str:
        """Write an interval of the sequence as genome browsers read it: 1-based, both ends included."""
        start, end = self.interval(start, end)
        interval = f"{start + 1:,}-{end:,}" if end - start > 1 else f"{end:,}"
        return f"{self.chrom}:{interval}" if self.genomic else interval
