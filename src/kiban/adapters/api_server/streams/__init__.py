"""Connections that stop being HTTP: programs in containers and forwarded ports, over WebSocket."""
