"""Letters to tokens and back: six tokens, one lookup table, every change counted."""

from dataclasses import dataclass, fields

import numpy as np

from mlx_gsa.errors import SequenceError

A, C, G, T, N, PAD = 0, 1, 2, 3, 4, 5
LETTERS = "ACGTN"
COMPLEMENT = np.array([T, G, C, A, N, PAD], dtype=np.uint8)

WHITESPACE = b" \t\r\n\v\f"
GAPS = b"-."
AMBIGUOUS = b"RYSWKMBDHVX"  # X: what RepeatMasker writes for a masked base
TRAITS = ("lower", "uracil", "gaps", "iupac", "n")


def _token_table():
    """Build the table byte -> token; bytes that are not DNA keep the value 255."""
    table = np.full(256, 255, dtype=np.uint8)
    for letters, token in ((b"A", A), (b"C", C), (b"G", G), (b"TU", T), (b"N" + AMBIGUOUS, N)):
        for byte in letters + letters.lower():
            table[byte] = token
    return table


def _trait_table():
    """Build the table byte -> (lower, uracil, gaps, iupac, n, illegal), so one histogram gives all counts."""
    table = np.zeros((256, len(TRAITS) + 1), dtype=np.int64)
    for column, letters in enumerate((bytes(range(ord("a"), ord("z") + 1)), b"Uu", GAPS, AMBIGUOUS, b"Nn")):
        table[list(letters), column] = 1
    table[list(AMBIGUOUS.lower()), TRAITS.index("iupac")] = 1
    table[:, -1] = TOKENS_OF_BYTES == 255
    table[list(GAPS + WHITESPACE), -1] = 0
    return table


TOKENS_OF_BYTES = _token_table()
_TRANSLATION = TOKENS_OF_BYTES.tobytes()
_TRAITS_OF_BYTES = _trait_table()
_LETTERS_OF_TOKENS = np.frombuffer(b"ACGTN", dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class EncodeCounts:
    """How many letters of a sequence were not plain upper-case A, C, G or T; two of them add up.

    Attributes
    ----------
    lower : int
        Lower-case letters (soft-masked), read as upper case.
    uracil : int
        U, read as T.
    gaps : int
        ``-`` and ``.``, removed: the sequence became shorter.
    iupac : int
        Ambiguity codes R Y S W K M B D H V and the mask X, read as N.
    n : int
        N as written.
    """

    lower: int = 0
    uracil: int = 0
    gaps: int = 0
    iupac: int = 0
    n: int = 0

    def __add__(self, other):
        return EncodeCounts(
            self.lower + other.lower,
            self.uracil + other.uracil,
            self.gaps + other.gaps,
            self.iupac + other.iupac,
            self.n + other.n,
        )

    def to_dict(self):
        """Return the counts by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def encode(sequence):
    """Turn DNA letters into tokens.

    Whitespace is removed without being counted, gaps are removed and counted. ``*`` is not a gap here:
    in FASTA files it is the stop of a protein.

    Parameters
    ----------
    sequence : str or bytes
        DNA or RNA letters, either case, with IUPAC codes and gaps.

    Returns
    -------
    tokens : np.ndarray, shape (L,), uint8
        A 0, C 1, G 2, T 3, N 4.
    counts : EncodeCounts
        What was read differently from how it was written.

    Raises
    ------
    SequenceError
        A character that no DNA alphabet has; the message lists such characters.

    Source: NC-IUB 1984 nucleotide codes; every ambiguity code becomes N, as one token says "not known".
    """
    raw = sequence.encode("utf-8", "surrogateescape") if isinstance(sequence, str) else bytes(sequence)
    totals = np.bincount(np.frombuffer(raw, dtype=np.uint8), minlength=256) @ _TRAITS_OF_BYTES
    if totals[-1]:
        raise _not_dna(raw)
    kept = bytearray(raw).translate(_TRANSLATION, WHITESPACE + GAPS)
    return np.frombuffer(kept, dtype=np.uint8), EncodeCounts(*(int(t) for t in totals[:-1]))


def _not_dna(raw):
    """Build the error for letters outside the alphabet: which, and what the text probably is."""
    legal = b"ACGTUN" + AMBIGUOUS + GAPS + WHITESPACE
    letters = sorted(set(raw.decode("utf-8", "replace").upper()) - set(legal.decode()))
    shown = " ".join(c if c.isprintable() else f"0x{ord(c):02x}" for c in letters[:12])
    protein = set(letters) <= set("EFILPQJOZ*")
    mend = (
        "These letters are amino acids: give the DNA of the region, not the protein."
        if protein
        else "Remove these characters, or write N for a base that is not known."
    )
    expected = "A C G T N and IUPAC codes"
    return SequenceError("not a DNA sequence", expected=expected, found=f"the letters {shown}", mend=mend)


def decode(tokens):
    """Turn tokens into letters; PAD tokens disappear.

    Parameters
    ----------
    tokens : np.ndarray, shape (L,), uint8

    Returns
    -------
    str
        Letters A, C, G, T and N.
    """
    tokens = np.asarray(tokens, dtype=np.uint8)
    return _LETTERS_OF_TOKENS[tokens[tokens != PAD]].tobytes().decode("ascii")


def reverse_complement(tokens):
    """Return the other strand, read in its own 5' to 3' direction.

    Parameters
    ----------
    tokens : np.ndarray, shape (L,) or (B, L), uint8
        Reversed along the last axis; N and PAD stay what they are.

    Returns
    -------
    np.ndarray
        A new array of the same shape.
    """
    return COMPLEMENT[tokens[..., ::-1]]


def gc_content(tokens):
    """Return the share of G and C among the known bases.

    Parameters
    ----------
    tokens : np.ndarray, shape (L,), uint8

    Returns
    -------
    float
        0 to 1; NaN if there is no known base.
    """
    counts = np.bincount(np.asarray(tokens), minlength=6)
    known = counts[:4].sum()
    return float((counts[C] + counts[G]) / known) if known else float("nan")
