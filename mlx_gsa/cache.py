"""Where the program keeps what it makes once and may need again: unpacked genomes, indexes, downloads."""

import os
from pathlib import Path

ENVIRONMENT = "GSA_CACHE"


def cache_folder():
    """Return the cache folder, which may not exist yet.

    Returns
    -------
    Path
        ``$GSA_CACHE`` if it is set, else the usual place of the platform.
    """
    stated = os.environ.get(ENVIRONMENT)
    if stated:
        return Path(stated).expanduser()
    import pooch

    return Path(pooch.os_cache("mlx_gsa"))
