"""A Kubernetes-compatible cluster, sans I/O: store, requests as values, admission, authorization,
controllers, scheduler, kubelet state tables, service networking.

It knows nothing of specs. Two drivers run it: the wall clock with real processes (`adapters`) and
the virtual clock with modelled ones (`rehearsal`)."""
