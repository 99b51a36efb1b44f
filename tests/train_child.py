"""`gsa` in a process that kills itself at a given place: python train_child.py PLACE NUMBER GSA-ARGUMENTS...

PLACE says where, NUMBER at which time that this place is reached; after every step there is a checkpoint.
"""

import os
import signal
import sys
from itertools import count


def at(number, action):
    """Make a function that does `action` the `number`-th time that it is called, and nothing before."""
    times = count(1)
    return lambda *_: action() if next(times) == number else None


def wrapped(owner, name, before=None, after=None):
    """Replace a function by one that also does something before or after; both get its arguments."""
    plain = getattr(owner, name)

    def function(*arguments, **settings):
        if before:
            before(*arguments)
        result = plain(*arguments, **settings)
        if after:
            after(*arguments)
        return result

    setattr(owner, name, function)


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def halve_and_kill(path):
    """What a kill in the middle of writing leaves: the first half of the file."""
    os.truncate(path, os.path.getsize(path) // 2)
    kill()


def install(place, number):
    """Arrange for the death of this process."""
    from mlx_gsa.model import weights
    from mlx_gsa.training import loop

    loop._SAVE_EVERY = -1.0
    strike, ctrl_c = at(number, kill), at(number, interrupt)

    def only(suffix, action):
        return lambda path, *rest: action(str(path), *rest) if str(path).endswith(suffix) else None

    if place == "after-checkpoint":
        wrapped(loop, "save_checkpoint", after=strike)
    elif place == "in-step":
        wrapped(loop, "assemble", after=strike)
    elif place == "half-written":
        times = count(1)
        half = only(".checkpoint.tmp.safetensors", lambda path, *_: next(times) == number and halve_and_kill(path))
        wrapped(weights.mx, "save_safetensors", after=half)
    elif place == "before-rename":
        wrapped(weights.os, "replace", before=only(".checkpoint.tmp.safetensors", strike))
    elif place == "after-best":
        wrapped(loop, "save_model", after=strike)
    elif place == "after-row":
        wrapped(loop.MetricsLog, "append", after=strike)
    elif place == "ctrl-c-in-step":
        wrapped(loop.Trainer, "_account", before=ctrl_c)  # the weights are of this step, the progress is not
    elif place == "ctrl-c-after-best":
        wrapped(loop, "save_model", after=ctrl_c)
    elif place == "ctrl-c-after-row":
        wrapped(loop.MetricsLog, "append", after=ctrl_c)
    else:
        raise SystemExit(f"no such place: {place}")


if __name__ == "__main__":
    from mlx_gsa.cli.main import main

    install(sys.argv[1], int(sys.argv[2]))
    main(sys.argv[3:])
