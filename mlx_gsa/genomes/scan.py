"""Scan a genome: chunks of tiles scored one after another, kept as they are done, and joined into tracks at the end."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from mlx_gsa import __version__
from mlx_gsa.errors import ConfigError, GenomeError
from mlx_gsa.genomes.bigwig import bedgraph_text, strength_values
from mlx_gsa.genomes.grid import SHORTEST, chunk_bp, plan_chunks, whole_genome
from mlx_gsa.genomes.scan_chunk import ChunkScores, Scorer
from mlx_gsa.genomes.scan_input import genome_identity
from mlx_gsa.genomes.scan_output import check_scored, write_results
from mlx_gsa.genomes.scan_state import ScanState
from mlx_gsa.genomes.scan_strength import choose_strength
from mlx_gsa.inference.engine import Engine
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.weights import MODEL_FILE
from mlx_gsa.ranks import Ranks

LIKELY = 0.5
_PAUSE = 0.2  # seconds between two looks at what other ranks have done
_ENOUGH = 1_000_000  # bp from which the start of other processes, about a second, pays


@dataclass(frozen=True)
class ScanSettings:
    """How a genome is scanned; two scans with the same settings, model and genome give the same files.

    Attributes
    ----------
    tile, stride : int
        Length of a tile, and from one start to the next, in bp.
    relevance : bool
        Keep the relevance of every base too.
    output, class_name : str or None
        What is scored, see `choose_strength`.
    max_n : float
        Tiles with a larger share of N are not scored.
    top : int
        Peaks reported, at most.
    threshold : float or None
        Strength that a peak has at least; None: 0.5 if that is a probability, else none.
    chunk_bp : int
        Bases scored between two files of the state: what a kill may cost, and what memory grows with.
    """

    tile: int = 2000
    stride: int = 500
    relevance: bool = False
    output: str | None = None
    class_name: str | None = None
    max_n: float = 0.25
    top: int = 1000
    threshold: float | None = None
    chunk_bp: int = 4_000_000

    def __post_init__(self):
        if self.tile < SHORTEST:
            raise ConfigError("tiles are too short", expected=f"at least {SHORTEST} bp", found=f"{self.tile} bp")
        if not 1 <= self.stride <= self.tile:
            found, expected = f"{self.stride} bp", f"1 to {self.tile} bp, the length of a tile"
            raise ConfigError("the stride would leave bases out", expected=expected, found=found)


class Scan:
    """A scan that is ready to run: model, genome and plan.

    Parameters
    ----------
    run : RunInfo
        From `find_run`.
    genome : Genome
        Open as long as the scan runs.
    settings : ScanSettings
    regions : tuple, optional
        What `read_regions` returns; None: the whole genome.
    n_workers : int, optional
        Processes that score; None: one for each core that may be used. Their number changes no value.

    Attributes
    ----------
    plan : list of list of Piece
        The chunks.
    bp, short : int
        Bases that are wanted; and of these, bases of sequences below 50 bp, which are not scored.

    Raises
    ------
    RunError
        The model has no such output or class; or relevance is asked of a model without a selector.
    GenomeError
        Nothing is long enough to be scored.
    """

    def __init__(self, run, genome, settings: ScanSettings, regions=None, n_workers: int | None = None):
        self.run, self.genome, self.settings = run, genome, settings
        self.predictor = Predictor.from_folder(run.model_folder)
        if settings.relevance:
            self.predictor.require_selector()
        self.strength = choose_strength(self.predictor, settings.output, settings.class_name)
        wanted, self.regions = regions or (whole_genome(genome.lengths), None)
        self.plan = plan_chunks(genome.lengths, wanted, settings.tile, settings.stride, settings.chunk_bp)
        self.bp = sum(int((pairs[:, 1] - pairs[:, 0]).sum()) for pairs in wanted.values())
        self.short = self.bp - sum(map(chunk_bp, self.plan))
        if not self.plan:
            raise GenomeError(
                "no sequence is long enough to be scored", where=str(genome.path), expected=f"at least {SHORTEST} bp",
                found=f"at most {max(genome.lengths.values()):,} bp",
            )  # fmt: skip
        self.identity = self._identity(wanted)
        self._engine = Engine(self.predictor.model, n_workers)

    def _identity(self, wanted):
        places = [(name, pairs.tolist()) for name, pairs in sorted(wanted.items())]
        model = (Path(self.run.model_folder) / MODEL_FILE).read_bytes()
        return {
            "settings": asdict(self.settings),
            "model_sha256": hashlib.sha256(model).hexdigest(),
            "genome": genome_identity(self.genome),
            "regions_sha256": self.regions and hashlib.sha256(repr(places).encode()).hexdigest(),
            "mlx_gsa": __version__,
        }

    @property
    def n_workers(self) -> int:
        """Cores that score; on a GPU it is one process that feeds it."""
        return self._engine.n_threads if self._engine.backend == "host" else 1

    @property
    def backend(self) -> str:
        """How the engine computes: "host" on a CPU, "mlx"."""
        return self._engine.backend

    @property
    def threshold(self) -> float | None:
        """Strength that a peak has at least."""
        stated = self.settings.threshold
        return LIKELY if stated is None and self.strength.is_probability else stated

    def scores(self, numbers) -> Iterator[tuple[int, ChunkScores]]:
        """Score chunks and yield them in the order of their ``numbers``; one is held at a time."""
        chosen, numbers = self.settings, list(numbers)
        if not numbers:
            return
        enough = sum(chunk_bp(self.plan[number]) for number in numbers) >= _ENOUGH
        with (self._engine.workers() if enough else None) or nullcontext() as workers:

            def scan(tokens, tile, stride):
                return self._engine.scan(tokens, tile, stride, workers, self.settings.relevance)

            scorer = Scorer(scan, self.strength, chosen.tile, chosen.stride, chosen.relevance, chosen.max_n)
            for number in numbers:
                yield number, scorer.score(self.genome, self.plan[number])


def scan_to_folder(
    scan: Scan, out: Path, *, overwrite: bool = False, ranks: Ranks | None = None, progress: Callable | None = None,
    writing: Callable | None = None, facts: dict | None = None,
) -> dict | None:  # fmt: skip
    """Scan into a folder; interrupted, killed and called again, go on where it was.

    Parameters
    ----------
    scan : Scan
    out : Path
        Gets ``strength.bw``, ``peaks.narrowPeak``, ``relevance.bw`` if wanted, and ``scan.json``; until then finished
        chunks are in ``out/chunks``.
    overwrite : bool
        Replace another scan, or the same one, in that folder.
    ranks : Ranks, optional
        Processes that share the work: rank r scores every n-th missing chunk, from the r-th on, and the first one joins
        them. All need the same ``out``, on a disk that they share.
    progress : callable, optional
        Called as ``progress(bp_done, bp_in_all)``, of this rank.
    writing : callable, optional
        Called as ``writing(bp_written, bp_in_all)`` while the relevance is written.
    facts : dict, optional
        Noted in ``scan.json``, such as the command and the file of the genome.

    Returns
    -------
    dict or None
        What ``scan.json`` holds; None on other ranks than the first, and where this very scan was finished before.

    Raises
    ------
    GenomeError
        The folder is not free or not shared, or no tile could be scored.
    RankError
        The ranks do not scan the same in the same way, or one of them has stopped.
    """
    ranks = ranks or Ranks()
    ranks.mend = "Run the same command again: it goes on from the chunks that are done."
    ranks.agree(scan=json.dumps(scan.identity))
    state = ScanState(out, scan.identity, len(scan.plan), ranks.rank)
    try:
        missing = _begin(state, overwrite, ranks)
        if missing is None:
            return None
        begun = time.perf_counter()
        _score(scan, state, missing[ranks.rank :: ranks.size], progress)
        if not ranks.is_first:
            return None
        while ranks.size > 1 and state.missing():  # a rank that dies ends this one too: `mlx.launch` sees to it
            time.sleep(_PAUSE)
        work = _work(scan, missing, time.perf_counter() - begun) | {"ranks": ranks.size}
        return write_results(scan, state, {**(facts or {}), **work}, writing)
    finally:
        state.close()


def _begin(state, overwrite, ranks):
    """Open the folder, the first rank before the others; return the chunks to score, None if all is done."""
    finished = state.open(overwrite) if ranks.is_first else None
    told = ranks.tell(b"finished" if finished else b"open")
    if told == b"finished":
        return None
    if not ranks.is_first:
        state.join()
    missing = state.missing()
    ranks.wait()  # every rank has seen the same chunks missing before one of them saves another
    return missing


def _score(scan, state, numbers, progress):
    """Score and keep chunks."""
    done, total = 0, sum(chunk_bp(scan.plan[number]) for number in numbers)
    for number, scores in scan.scores(numbers):
        state.save(number, scores)
        done += chunk_bp(scan.plan[number])
        if progress:
            progress(done, total)


def _work(scan, numbers, seconds):
    """Say what was scored now, by all ranks, and how fast; what an earlier process had done does not count."""
    done = sum(chunk_bp(scan.plan[number]) for number in numbers)
    return {
        "seconds": round(seconds, 3),
        "bp_in_these_seconds": done,
        "mbp_per_second": round(done / seconds / 1e6, 3) if done else None,
        "chunks": len(scan.plan),
        "chunks_found": len(scan.plan) - len(numbers),
    }


def scan_lines(scan: Scan, progress: Callable | None = None) -> Iterator[str]:
    """Scan and yield the strength as text of bedGraph, chunk by chunk; nothing is kept on the disk.

    Parameters
    ----------
    scan : Scan
    progress : callable, optional
        Called as ``progress(bp_done, bp_in_all)``.

    Raises
    ------
    GenomeError
        No tile could be scored.
    """
    done, total, found = 0, sum(map(chunk_bp, scan.plan)), 0
    for number, scores in scan.scores(range(len(scan.plan))):
        found += len(scores.strength)
        yield bedgraph_text(strength_values([(scan.plan[number], scores)]))
        done += chunk_bp(scan.plan[number])
        if progress:
            progress(done, total)
    check_scored(scan, found)
