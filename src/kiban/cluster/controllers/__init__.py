"""The rules that keep a cluster in shape: pure functions from a snapshot to commands.

Each controller is a module or a small package; what several of them read in pods, conditions and
owner references stands beside them.
"""
