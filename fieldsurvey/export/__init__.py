"""One module per format, one registry. Reads columns from the store, writes whole files."""
