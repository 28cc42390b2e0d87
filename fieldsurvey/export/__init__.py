"""One module per format, one registry. Reads the survey through the store, never its SQL."""
