"""Write the shipped MEME files from JASPAR; run it to update them (needs the extra ``jaspar``).

python assets/jaspar/export.py [OUT_FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from pyjaspar import jaspardb

CORE_RELEASE, POLII_RELEASE = "JASPAR2026", "JASPAR2020"
TAXA = ("vertebrates", "insects", "fungi", "plants")
DECIMALS = 4
HEADER = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

"""


def format_probability(value):
    """Return a probability with at most four decimals and no trailing zeros, so that the files stay small."""
    return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")


def meme_block(motif):
    """Return the MEME text of one JASPAR matrix; nsites is its mean column total."""
    counts = np.array([motif.counts[base] for base in "ACGT"], dtype=float).T
    rows = counts / counts.sum(axis=1, keepdims=True)
    sites = max(1, round(float(counts.sum(axis=1).mean())))
    body = "\n".join(" ".join(format_probability(value) for value in row) for row in rows)
    size = f"alength= 4 w= {len(rows)} nsites= {sites} E= 0"
    name = motif.name.replace(" ", "_")
    return f"MOTIF {motif.matrix_id} {name}\nletter-probability matrix: {size}\n{body}\n\n"


def write_meme(path, motifs):
    """Write the matrices, sorted by identifier, to one MEME file."""
    ordered = sorted(motifs, key=lambda motif: motif.matrix_id)
    path.write_text(HEADER + "".join(map(meme_block, ordered)), encoding="ascii")
    print(f"{path}: {len(ordered)} matrices, {path.stat().st_size / 1e3:.0f} kB")


def main(out):
    """Export the latest CORE matrices of four taxa, and the POLII promoter elements."""
    core = jaspardb(release=CORE_RELEASE)
    for taxon in TAXA:
        write_meme(out / f"{taxon}.meme", core.fetch_motifs(collection="CORE", tax_group=[taxon]))
    polii = jaspardb(release=POLII_RELEASE)
    write_meme(out / "promoter_elements.meme", polii.fetch_motifs(collection="POLII"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
