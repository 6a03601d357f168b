"""The one place that joins adapters to the core: what a command needs, put together."""
