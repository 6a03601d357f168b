"""Whether a node can take a pod: one rule a file, pure functions of a pod's shape and a node."""
