"""Highways and settlements: import, nearest road, kilometre post, village lookup.

Knows nothing of drives or stored measurements; takes coordinates, gives places.
"""
