"""The supervisor's workbench: one selection of measurements in map, charts and tables."""
