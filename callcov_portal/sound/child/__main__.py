"""Where the child begins: this folder becomes a package of its own, whatever lies around it."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    importlib.import_module("child.working").main(sys.argv[1:])
