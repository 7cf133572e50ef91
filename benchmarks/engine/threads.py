"""The recogniser's child with another number of threads: `python -m benchmarks.engine.threads MODEL THREADS`."""

import sys
from functools import partial

from callcov_portal.engine.speech import listener, model

if __name__ == "__main__":
    model.Model = partial(model.Model, threads=int(sys.argv[2]))  # type: ignore[assignment,misc]
    listener.main()
