"""Lets the tests of this folder import the cluster that those of the port share."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "kubernetes"), str(HERE.parent.parent / "delivery")]
