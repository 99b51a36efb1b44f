"""What a scan reads: a genome from a file, its index or standard input, and the regions that are wanted of it."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_gsa.cache import cache_folder
from mlx_gsa.dna.bed import read_bed
from mlx_gsa.dna.files import open_lines
from mlx_gsa.dna.genome import Genome
from mlx_gsa.errors import GenomeError
from mlx_gsa.genomes.grid import wanted_regions

STDIN = "-"


@contextmanager
def open_genome(name: str, progress: Callable | None = None) -> Iterator[Genome]:
    """Open the genome that a scan was given.

    Parameters
    ----------
    name : str
        A FASTA, plain, gzip or bgzip; its index (``genome.fa.fai`` means ``genome.fa``); or ``-``: FASTA on standard
        input, which is kept in the cache folder until the scan ends, since stretches of it are read.
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_file)`` while a gzip file is unpacked.

    Yields
    ------
    Genome

    Raises
    ------
    GenomeError
        As `Genome.open`; or there is no FASTA beside the index.
    """
    if name != STDIN:
        with Genome.open(_beside_index(Path(name)), progress=progress) as genome:
            yield genome
        return
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stdin-", dir=cache) as folder:
        held = Path(folder) / "stdin.fa"
        with open_lines(STDIN, error=GenomeError) as lines, held.open("w", errors="surrogateescape") as file:
            file.writelines(lines)
        with Genome.open(held, cache=Path(folder)) as genome:
            genome.prepared.clear()  # index and copy go with the folder
            yield genome


def _beside_index(path):
    """Return the FASTA that an index belongs to, any other path as it is."""
    if path.suffix != ".fai":
        return path
    fasta = path.with_suffix("")
    if not fasta.is_file():
        mend = "Give the FASTA itself; an index holds no sequence."
        raise GenomeError("no FASTA beside the index", where=str(path), expected=str(fasta), mend=mend)
    return fasta


def genome_identity(genome: Genome) -> dict:
    """Name a genome by its content: sha256 of the FASTA as unpacked, number of sequences and bp."""
    with open(genome.plain, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "sequences": len(genome.names), "bp": sum(genome.lengths.values())}


def read_regions(genome: Genome, path) -> tuple[dict, dict]:
    """Read the regions of a BED file that a scan is limited to.

    Parameters
    ----------
    genome : Genome
    path : path
        BED, narrowPeak, broadPeak or bedGraph.

    Returns
    -------
    wanted : dict
        As `grid.wanted_regions` returns it.
    facts : dict
        ``file``, ``lines``, ``merged`` (regions after merging) and ``bp``.

    Raises
    ------
    RegionError
        As `read_bed` and `wanted_regions`.
    """
    features = list(read_bed(path))
    wanted = wanted_regions(genome, features, str(path))
    merged = sum(len(pairs) for pairs in wanted.values())
    bp = sum(int((pairs[:, 1] - pairs[:, 0]).sum()) for pairs in wanted.values())
    return wanted, {"file": str(path), "lines": len(features), "merged": merged, "bp": bp}
