"""What things are: frozen dataclasses and enums in the words of the field.

Standard library only. Nothing here opens a socket, a window or a file, but for the messages.
Units are part of every name; stored values are SI integers (bit/s, µs, bytes) and UTC.
"""
