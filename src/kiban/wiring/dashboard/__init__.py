"""The dashboard put together: what the running platform knows, told to a board, and served."""

from kiban.wiring.dashboard.serving import (
    NO_DASHBOARD,
    DashboardWish,
    Source,
    dashboard_of,
    link_here,
)

__all__ = ["NO_DASHBOARD", "DashboardWish", "Source", "dashboard_of", "link_here"]
