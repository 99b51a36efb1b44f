"""Waves along the sequence: what attention knows of a position, exact from the first base pair to the last megabase."""

import mlx.core as mx
import numpy as np

WAVELENGTHS = (16.0, 20000.0)  # bp, shortest and longest
N_WAVES = 16
_TURN = 2**32  # one whole turn, in the units of a phase
PHASE_STEPS = np.round(_TURN / np.geomspace(*WAVELENGTHS, N_WAVES)).astype(np.uint32)  # phase per bp
FREQUENCIES = PHASE_STEPS / _TURN  # turns per bp, exactly
# sin(2 pi x) / x for x in [0, 1/4], in powers of x^2, highest first: the polynomial of least relative error, 5e-9
_SINE = (39.710917801, -76.574992133, 81.602231240, -41.341677478, 6.2831852738)


def waves(positions: mx.array) -> tuple[mx.array, mx.array]:
    """Return cosine and sine of 16 waves, from 16 bp to 20 kb, evenly spaced on a log scale.

    The phase is a whole number of 2^-32 turns, multiplied modulo 2^32: whole turns drop out without rounding, so two
    positions a distance apart have the same phase between them wherever they lie. An angle in float32 would be off by
    0.03 radians after a megabase.

    Parameters
    ----------
    positions : mx.array, integer (..., K)
        bp, any origin.

    Returns
    -------
    cosine, sine : mx.array float32 (..., K, 16)
        Wavelengths are exact to one part in 400,000 (20 kb) or better.
    """
    phases = positions[..., None].astype(mx.uint32) * mx.array(PHASE_STEPS)
    return _cosine(phases), _cosine(phases - _TURN // 4)


def _cosine(phases):
    """Cosine of phases uint32: the sine of what is missing to a quarter turn, by a polynomial exact to 1e-7."""
    turns = mx.abs(phases.view(mx.int32).astype(mx.float32)) * (1 / _TURN)
    rest = 0.25 - turns  # from -1/4 to 1/4 turn, exactly
    square = mx.square(rest)
    value = square * _SINE[0] + _SINE[1]
    for coefficient in _SINE[2:]:
        value = value * square + coefficient
    return value * rest
