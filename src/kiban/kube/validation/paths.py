"""Rules for paths of files in volumes and containers.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube.validation.faults import Faults, invalid

MOST_MODE = 0o777
MODE_FAULT = "must be a number between 0 and 0777 (octal), both inclusive"


def without_steps_back(path: str, field: str) -> Faults:
    if ".." in path.split("/"):
        return [invalid(field, path, "must not contain '..'")]
    return []


def descending(path: str, field: str) -> Faults:
    """A path that stays below where it starts."""
    faults: Faults = []
    if path.startswith("/"):
        faults.append(invalid(field, path, "must be a relative path"))
    return faults + without_steps_back(path, field)


def unreserved(path: str, field: str) -> Faults:
    """A descending path that does not begin as the kubelet's own files do."""
    faults = descending(path, field)
    if path.startswith("..") and path != ".." and not path.startswith("../"):
        faults.append(invalid(field, path, "must not start with '..'"))
    return faults


def file_mode(mode: Any, field: str) -> Faults:
    if mode is None or 0 <= mode <= MOST_MODE:
        return []
    return [invalid(field, mode, MODE_FAULT)]
