"""Where the questions of :mod:`fieldsurvey.analysis.questions` are answered: one module per engine.

DuckDB over the archive's files is the default and needs no server. The others answer the same
expressions, for the day when one machine is not enough. Nothing in here may know a question.
"""
