"""Autoscalers of nodes as pure controllers: the Cluster Autoscaler, and Karpenter's rules.

Each decides on its own picture of the cluster, with the scheduler's filters, and acts through a
small port behind which machines are modelled or real.
"""
