"""Where we are: serial NMEA, gpsd, network NMEA, replay, all behind one protocol."""
