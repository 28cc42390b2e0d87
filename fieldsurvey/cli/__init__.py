"""One module per command. Results go to stdout, talk to stderr."""
