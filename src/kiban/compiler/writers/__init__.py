"""One writer for each group of manifests. A writer takes the target and one service and gives
manifests; writers do not know each other."""
