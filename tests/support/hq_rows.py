"""Payloads of measured rows, as laptops seal them."""

import dataclasses
import functools
import random

from fieldsurvey.model.drive import Reachability, Sample
from fieldsurvey.wire.rows import Row, encode_rows
from tests.support.store_values import a_drive, a_sample


@functools.cache
def payload_of(rows: int, first_seq: int = 1) -> bytes:
    """Return ``rows`` samples as a payload of the current schema."""
    samples = (a_sample(second) for second in range(first_seq, first_seq + rows))
    return encode_rows([Row(first_seq + n, "drive", one) for n, one in enumerate(samples)])


def drive_payload(rows: int, drive_id: str) -> bytes:
    """Return the row of a drive and ``rows - 1`` samples of it."""
    drive = Row(1, drive_id, a_drive(drive_id))
    return encode_rows([drive, *(Row(n, drive_id, a_sample(n)) for n in range(2, rows + 1))])


def noisy_payload(rows: int) -> bytes:
    """Return ``rows`` samples that do not compress better than real ones."""
    chance = random.Random(rows)

    def noisy(second: int) -> Sample:
        one = a_sample(second)
        assert one.fix is not None
        assert one.radio is not None
        return dataclasses.replace(
            one,
            reachability=Reachability(True, chance.randint(20_000, 200_000)),
            fix=dataclasses.replace(
                one.fix,
                latitude_deg=43.0 + chance.random() / 100,
                longitude_deg=77.0 + chance.random() / 100,
                altitude_m=round(chance.uniform(300, 900), 1),
                speed_mps=round(chance.uniform(0, 30), 2),
            ),
            radio=dataclasses.replace(
                one.radio,
                rsrp_dbm=float(chance.randint(-120, -70)),
                sinr_db=float(chance.randint(-10, 30)),
            ),
        )

    return encode_rows([Row(n, "drive", noisy(n)) for n in range(1, rows + 1)])
