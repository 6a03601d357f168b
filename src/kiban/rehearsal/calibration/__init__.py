"""The model's parameters from what was recorded of real services, each with how well it explains
the record, and what no record tells."""

from kiban.rehearsal.calibration.calibrating import (
    Calibration,
    Comparison,
    Evidence,
    Missing,
    calibrate,
)

__all__ = ["Calibration", "Comparison", "Evidence", "Missing", "calibrate"]
