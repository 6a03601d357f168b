"""The embedded cluster on the network: HTTP server, certificates, tokens, and the wall clock that
drives the cluster."""
