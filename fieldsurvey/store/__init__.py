"""The survey file on the laptop. Sole owner of its SQL; nobody else opens the file.

Everything runs on one store thread; raw measurements are appended, never changed.
"""
