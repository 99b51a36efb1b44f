"""Which motifs lie in the kept positions of many records, beside what chance or another class of records gives.

A record counts for a motif if a site of the motif holds the peak of one of the record's best spans: three, and one more
for every 200 bp beyond 600. It is held against two expectations: what as many random positions of the same sequence
would hit (exact, no sampling) and, where there are other records to compare with, the share of those that count, with
their own kept positions.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import binom, hypergeom

from mlx_gsa.evaluation.chance import chance_touched
from mlx_gsa.evaluation.multiple_testing import benjamini_hochberg
from mlx_gsa.explain.spans import Span

SPANS, BP_A_SPAN = 3, 200  # spans looked at: so many, or one for so many bp if that is more
FEWEST = 10  # records below which a summary says nothing
COMPARED = 200  # best motifs that are looked through for others at the same places
SAME_PLACE = 0.5  # share of a motif's records in which a better one lies at the same place
ALIKE_Q = 0.1
COLUMNS = (
    "rank", "motif_id", "motif", "width", "family", "records", "hit", "rate", "other_records", "other_hit",
    "other_rate", "enrichment", "p", "q", "shuffled_rate", "shuffled_enrichment", "shuffled_p", "shuffled_q",
)  # fmt: skip


class MotifRow(NamedTuple):
    """One motif over many records.

    ``hit`` of ``records`` have it in their kept positions; ``expected`` would with as many random positions;
    ``other_hit`` of ``other_records`` are the records of the other class that have it in theirs. ``log_p`` (natural)
    and ``q`` are those of the comparison with the other class where there is one (hypergeometric, as in Fisher's
    one-sided test), else those against random positions (binomial), and so is ``enrichment``, the rate over
    ``expected_rate``. ``family`` is the id of the better motif that lies at the same places, or the motif's own.
    """

    motif_id: str
    name: str
    width: int
    records: int
    hit: int
    expected: float
    other_records: int
    other_hit: int
    expected_rate: float
    enrichment: float
    log_p: float
    q: float
    shuffled_enrichment: float
    shuffled_log_p: float
    shuffled_q: float
    family: str

    @property
    def rate(self) -> float:
        """Share of the records that have it in their kept positions."""
        return self.hit / self.records


class MotifTally:
    """Counts, record by record, which motifs lie in the kept positions.

    Parameters
    ----------
    motifs : sequence of Motif
        What was scanned for.
    """

    def __init__(self, motifs: Sequence):
        self.motifs = tuple(motifs)
        self._number = {motif.id: i for i, motif in enumerate(self.motifs)}
        self.records = {False: 0, True: 0}
        self._hit = {other: np.zeros(len(self.motifs), int) for other in (False, True)}
        self._expected = np.zeros(len(self.motifs))
        self._places: list[list[tuple[int, int]]] = [[] for _ in self.motifs]

    def add(self, hits: Iterable, length: int, spans: Sequence[Span], other: bool = False) -> None:
        """Count a record.

        Parameters
        ----------
        hits : iterable of MotifHit
            Every hit in the sequence, by start.
        length : int
            Of the sequence (bp).
        spans : sequence of Span
            By rank; what counts is where each of the best has its peak.
        other : bool
            Whether the record belongs to those compared with.
        """
        best = spans[: max(SPANS, length // BP_A_SPAN)]
        focus = np.unique([span.peak for span in best]).astype(int)
        number = self.records[other]
        self.records[other] += 1
        by_motif: dict[int, list] = {}
        for hit in hits:
            by_motif.setdefault(self._number[hit.motif.id], []).append(hit)
        rows = np.array(list(by_motif), int)
        bounds = [_bounds(found) for found in by_motif.values()]
        places = [_touched(found, both, focus) for found, both in zip(by_motif.values(), bounds, strict=True)]
        touched = np.array([place is not None for place in places], bool)
        self._hit[other][rows[touched]] += 1
        if other or not len(rows):
            return
        covered = np.array([_covered(*both) for both in bounds])
        self._expected[rows] += chance_touched(length, covered, len(focus))
        for row, place in zip(rows.tolist(), places, strict=True):
            if place is not None:
                self._places[row].append((number, place))

    def rows(self) -> list[MotifRow]:
        """Compare what was counted with what is expected.

        Returns
        -------
        list of MotifRow
            The smallest p-value first; motifs that no record has in its kept positions are last. Empty with fewer
            than ten records.
        """
        n, others = self.records[False], self.records[True]
        if n < FEWEST:
            return []
        hit, other_hit = self._hit[False], self._hit[True]
        shuffled = _tail(binom, hit, n, np.minimum(self._expected / n, 1.0))
        fisher = _tail(hypergeom, hit, n + others, hit + other_hit, n) if others else shuffled
        expected_rate = other_hit / others if others else self._expected / n
        facts = {
            "records": n, "other_records": others, "hit": hit, "expected": self._expected, "other_hit": other_hit,
            "expected_rate": expected_rate, "enrichment": _enrichment(hit, n, expected_rate, others or n),
            "log_p": fisher, "q": benjamini_hochberg(np.exp(fisher)),
            "shuffled_enrichment": _enrichment(hit, n, self._expected / n, n),
            "shuffled_log_p": shuffled, "shuffled_q": benjamini_hochberg(np.exp(shuffled)),
        }  # fmt: skip
        order = sorted(range(len(self.motifs)), key=lambda i: (fisher[i], -facts["enrichment"][i], i))
        families = self._families(order, facts["q"])
        return [self._row(i, facts, families) for i in order]

    def _row(self, i, facts, families) -> MotifRow:
        """Put the facts of one motif together."""
        own = {name: value[i].item() if np.ndim(value) else value for name, value in facts.items()}
        motif = self.motifs[i]
        return MotifRow(motif_id=motif.id, name=motif.name, width=motif.width, family=families[i], **own)

    def _families(self, order, q_values) -> dict[int, str]:
        """Name for each motif the better one that lies at the same places, or itself."""
        families, leaders = {i: self.motifs[i].id for i in order}, []
        for i in order[:COMPARED]:
            mine = dict(self._places[i])
            if q_values[i] > ALIKE_Q or not mine:
                continue
            for leader in leaders:
                reach = max(self.motifs[i].width, self.motifs[leader].width) / 2
                same = sum(abs(mine.get(n, np.inf) - place) <= reach for n, place in self._places[leader])
                if same >= SAME_PLACE * len(mine):
                    families[i] = self.motifs[leader].id
                    break
            else:
                leaders.append(i)
        return families


def _bounds(hits):
    """Return starts and ends of hits."""
    return np.array([hit.start for hit in hits]), np.array([hit.end for hit in hits])


def _touched(hits, bounds, focus) -> int | None:
    """Return the middle of the best hit with a focus position in its bounds, None without one."""
    starts, ends = bounds
    touched = np.searchsorted(focus, ends) > np.searchsorted(focus, starts)
    if not touched.any():
        return None
    best = max(np.flatnonzero(touched).tolist(), key=lambda i: hits[i].score)
    return (hits[best].start + hits[best].end) // 2


def _covered(starts, ends) -> int:
    """Count the positions in any of the intervals, sorted by start."""
    furthest = np.maximum.accumulate(ends)
    before = np.concatenate([starts[:1], furthest[:-1]])
    return int(np.maximum(furthest - np.maximum(starts, before), 0).sum())


def _tail(distribution, hit, *parameters):
    """Return the log of the chance of so many records or more, never above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = distribution.logsf(hit - 1, *parameters)
    return np.where(hit > 0, np.minimum(np.nan_to_num(tail, nan=0.0, neginf=-1e4), 0.0), 0.0)


def _enrichment(hit, n, expected_rate, n_expected):
    """Divide the rate by the one expected, which is taken as half a record at least."""
    return hit / n / np.maximum(expected_rate, 0.5 / n_expected)


def write_motif_table(path: Path, rows: Sequence[MotifRow]) -> Path:
    """Write the summary as a tab-separated table.

    Parameters
    ----------
    path : Path
    rows : sequence of MotifRow

    Returns
    -------
    Path
        ``path``; columns `COLUMNS`. ``enrichment``, ``p`` and ``q`` are against the other class where there is one,
        else against random positions, as the ``shuffled`` columns always are.
    """
    with Path(path).open("w", encoding="utf-8") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for rank, row in enumerate(rows, 1):
            others = (
                [row.other_records, row.other_hit, row.other_hit / row.other_records]
                if row.other_records
                else ["."] * 3
            )
            cells = [rank, row.motif_id, row.name, row.width, row.family, row.records, row.hit, row.rate, *others]
            cells += [row.enrichment, _power(row.log_p), row.q, row.expected / row.records, row.shuffled_enrichment]
            cells += [_power(row.shuffled_log_p), row.shuffled_q]
            file.write("\t".join(f"{x:.6g}" if isinstance(x, float) else str(x) for x in cells) + "\n")
    return Path(path)


def _power(log_p: float) -> str:
    """Write a p-value given as its natural log, also one too small for a float."""
    exponent = int(np.floor(log_p / np.log(10)))
    return f"{np.exp(log_p):.6g}" if exponent > -300 else f"{10 ** (log_p / np.log(10) - exponent):.3f}e{exponent}"
