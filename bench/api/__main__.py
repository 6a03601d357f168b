"""Measure the embedded API server: `python -m bench.api [--json] [--only PART…]`.

kube-apiserver's figures were measured on two cores with fsync: start to first answer; the four
processes of a control plane idle; server-side applies from Go, by one client and by twenty.
"""

from bench.api.measures import PARTS
from bench.api.report import as_data, show
from bench.parts import Measurement

if __name__ == "__main__":
    assert __doc__ is not None
    Measurement(__doc__, PARTS, show, as_data).main()
