"""The resources of an environment as what they are, on one machine: programs that a pod runs.

Each is started with `python -m kiban.adapters.local.<type> --data DIR --port PORT`, listens on
`$HOST`, takes its secrets from the environment and shows none of them on a command line.
"""
