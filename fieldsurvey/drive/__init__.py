"""The survey run: joins position, radio and throughput, writes the store, decides when to test.

Runs without any window; shells look at it through :class:`~fieldsurvey.drive.control.DriveControl`.
"""
