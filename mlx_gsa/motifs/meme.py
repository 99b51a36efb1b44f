"""Motif matrices written as MEME text, which TOMTOM, FIMO and this program read."""

from collections.abc import Sequence

from mlx_gsa.dna.motifs import Motif

_TWO = {"AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}


def meme_text(motifs: Sequence[Motif], background=(0.25, 0.25, 0.25, 0.25)) -> str:
    """Lay motifs out in the minimal MEME format.

    Parameters
    ----------
    motifs : sequence of Motif
        ``counts`` that sum to the number of sites.
    background : sequence of 4 floats
        Shares of A, C, G, T.

    Returns
    -------
    str

    Source: https://meme-suite.org/meme/doc/meme-format.html, version 4.
    """
    shares = " ".join(f"{base} {share:.4f}" for base, share in zip("ACGT", background, strict=True))
    lines = ["MEME version 4", "", "ALPHABET= ACGT", "", "strands: + -", ""]
    lines += ["Background letter frequencies", shares, ""]
    for motif in motifs:
        sites = max(round(float(motif.counts[0].sum())), 1)
        lines.append(f"MOTIF {motif.id} {motif.name}")
        lines.append(f"letter-probability matrix: alength= 4 w= {motif.width} nsites= {sites}")
        lines += [" ".join(f"{share:.6f}" for share in row) for row in motif.ppm()]
        lines.append("")
    return "\n".join(lines) + "\n"


def iupac(motif: Motif) -> str:
    """Name a motif by its degenerate consensus.

    Parameters
    ----------
    motif : Motif

    Returns
    -------
    str
        One letter per column: a base if it is in half of the sites and twice as common as the next; two bases'
        letter if they are in three quarters; else N.

    Source: Cavener, Nucleic Acids Res 15 (1987) 1353-1361.
    """
    letters = []
    for row in motif.ppm():
        order = row.argsort()[::-1]
        first, second = row[order[:2]]
        pair = "".join(sorted("ACGT"[i] for i in order[:2]))
        letters.append("ACGT"[order[0]] if first > 0.5 and first >= 2 * second else _TWO[pair] if first + second >= 0.75
                       else "N")  # fmt: skip
    return "".join(letters)
