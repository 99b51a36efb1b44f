"""`gsa` in a process that kills itself at a given place of a scan: python scan_child.py PLACE NUMBER GSA-ARGUMENTS...

PLACE says where, NUMBER at which time that this place is reached. Chunks are small.
"""

import sys

from train_child import at, kill, wrapped


def install(place, number):
    """Arrange for the death of this process."""
    from mlx_gsa.genomes import bigwig, scan, scan_output, scan_state

    made, strike = scan.ScanSettings, at(number, kill)
    scan.ScanSettings = lambda **options: made(**options, chunk_bp=20_000)
    if place == "after-chunk":
        wrapped(scan_state.ScanState, "save", after=strike)
    elif place == "before-rename":
        wrapped(scan_state, "atomic_write_bytes", before=strike)
    elif place == "in-bigwig":
        wrapped(bigwig, "_sync", before=strike)
    elif place == "before-manifest":
        wrapped(scan_output, "_manifest", after=strike)
    elif place == "before-cleaning":
        wrapped(scan_state.ScanState, "finish", before=strike)
    elif place != "never":
        raise SystemExit(f"no such place: {place}")


if __name__ == "__main__":
    from mlx_gsa.cli.main import main

    install(sys.argv[1], int(sys.argv[2]))
    main(sys.argv[3:])
