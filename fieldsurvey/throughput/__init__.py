"""Measuring one link: plan, protocols, ramp, estimate, stop rule. Runs in a child process.

Knows nothing of roads, drives or stored files.
"""
