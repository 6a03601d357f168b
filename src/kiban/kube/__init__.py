"""Kubernetes objects as plain data, and pure functions over them: keys, kinds, selectors, schema
facts, merges, health, printing; and the ports through which any cluster is read and written.

A manifest is the `dict` the API would return. There is no class per kind."""
