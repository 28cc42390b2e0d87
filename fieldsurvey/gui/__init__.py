"""Everything Qt, and only here.

The windows look at a drive through its control protocol and never at the store, a socket or a
receiver; whatever takes longer than a few milliseconds happens elsewhere.
"""
