"""The delivery engine beside kubectl on the same objects: first install, again, commits, plans,
many clusters, and what it costs to stand still.

The cluster runs in a process of its own, so do the engine (`python -m bench.delivery.engine`) and
kubectl, one after the other. Both talk to it over HTTPS.
"""
