"""Objects as the rows of a table, as `kubectl get` shows them: columns and cells for every kind.

Source: k8s.io/kubernetes/pkg/printers/internalversion/printers.go.
"""

from kiban.kube.printing.durations import age, human_duration
from kiban.kube.printing.tables import Column, Printer, custom_printer, printer_of

__all__ = ["Column", "Printer", "age", "custom_printer", "human_duration", "printer_of"]
