"""Tells people what the journal says, by webhook, Slack or e-mail."""

from kiban.adapters.notifications.herald import Herald, Settings
from kiban.adapters.notifications.letters import Letter, NotNow, TurnedDown, sent

__all__ = ["Herald", "Letter", "NotNow", "Settings", "TurnedDown", "sent"]
