"""What Kubernetes 1.36 knows about its kinds and their fields, as a constant table.

`scripts/extract_kube_facts.py` wrote the table from the published schemas. It is read once, on
first use (about 6 ms); `kinds` and `schema` give it a shape that one can work with.
"""

import json
import zlib
from functools import cache
from importlib.resources import files
from typing import Any

KUBERNETES_VERSION = "1.36"


@cache
def facts() -> dict[str, Any]:
    """`{"kinds": [row, …], "types": {name: type}}`; the script documents rows and types."""
    data = files("kiban.kube").joinpath("data", f"facts-{KUBERNETES_VERSION}.json.gz").read_bytes()
    table: dict[str, Any] = json.loads(zlib.decompress(data, 31))
    return table
