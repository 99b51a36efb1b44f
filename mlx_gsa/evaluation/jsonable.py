"""Results as what JSON can hold."""

import math

import numpy as np


def jsonable(value):
    """Turn results into plain dictionaries, lists, text and numbers; what is not a finite number becomes None.

    Parameters
    ----------
    value : object
        Any nesting of dict, list, tuple, np.ndarray, NumPy scalars and named tuples; what has ``to_dict`` gives that.

    Returns
    -------
    dict, list, str, int, float, bool or None
    """
    if hasattr(value, "to_dict"):
        return jsonable(value.to_dict())
    if isinstance(value, dict):
        return {str(key): jsonable(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [jsonable(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
