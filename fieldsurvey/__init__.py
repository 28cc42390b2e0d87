"""FieldSurvey: drive, measure throughput, geotag every result, keep it, hand it over."""

__version__ = "0.1.0"
