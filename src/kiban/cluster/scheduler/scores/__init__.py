"""How well a node suits a pod: one rule a file, 0 to 100 or raw numbers to be normalised."""
