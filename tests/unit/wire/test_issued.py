"""What HQ issues is believed by its signature only, and only under names that are file names."""

import dataclasses

import pytest

from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.issued import Issued, IssuedKind, SignedIssued, issued_from, sign_issued
from fieldsurvey.wire.keys import Ed25519PrivateKey

KEY = Ed25519PrivateKey.generate()
ONE = Issued(IssuedKind.PLAN, "kostanay", 2, "a1" * 32, 10, 1_760_000_000_000_000)


def test_it_comes_back_as_it_was_signed() -> None:
    signed = sign_issued(ONE, KEY)
    assert issued_from(signed.to_bytes()) == signed
    signed.verify(KEY.public_key())
    with pytest.raises(WireError, match="issued"):
        issued_from(signed.to_bytes() + b" ")


@pytest.mark.parametrize(
    "change", [{"version": 3}, {"name": "almaty"}, {"sha256": "b2" * 32}, {"kind": "targets"}]
)
def test_nothing_of_it_can_be_changed(change: dict[str, object]) -> None:
    signature = sign_issued(ONE, KEY).signature
    changed = dataclasses.replace(ONE, **change)  # type: ignore[arg-type]
    with pytest.raises(WireError, match="signature"):
        SignedIssued(changed, signature).verify(KEY.public_key())


@pytest.mark.parametrize("name", ["", "../a", "a/b", "A", "a.b", "nul", "com1", "-a", "a" * 64])
def test_no_name_leaves_its_folder(name: str) -> None:
    with pytest.raises(WireError, match="issued"):
        sign_issued(dataclasses.replace(ONE, name=name), KEY).verify(KEY.public_key())
    sign_issued(dataclasses.replace(ONE, name="null-com10_a"), KEY).verify(KEY.public_key())
