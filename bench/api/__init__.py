"""The embedded API server beside kube-apiserver's figures: start, memory, writes, lists, watches.

The server runs in one process, the load in another (`python -m bench.api.load`), so that neither
pays for the other. Times are of the wall clock; processor time stands beside them, because it is
what remains comparable when others use the machine.
"""
