"""Measure the delivery engine: `python -m bench.delivery [--json] [--only PART…] [--scale SHARE]`.

Published figures for the same: kubectl apply --server-side of 1,000 apps of 4 objects on a real
API server and two cores, 85 s, and 94 s again with nothing changed; Flux 2.6 on bigger machines,
4 min 16 s.
"""

from bench.delivery.measures import PARTS
from bench.delivery.report import as_data, show
from bench.parts import Measurement

if __name__ == "__main__":
    assert __doc__ is not None
    Measurement(__doc__, PARTS, show, as_data).main()
