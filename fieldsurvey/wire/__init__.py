"""The batch format and its signatures: the only thing laptops and HQ both know."""
