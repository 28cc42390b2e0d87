"""The tree of RFC 9162 against the RFC's own recursive definitions, written down plainly here."""

import hashlib

import pytest

from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_hash,
    subtrees_of,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 40
ENTRIES = [bytes([n]) * (n % 5) for n in range(LARGEST)]
LEAVES = [hashlib.sha256(b"\0" + entry).digest() for entry in ENTRIES]


def k_of(n: int) -> int:
    """The largest power of two smaller than n."""
    return max(2**power for power in range(10) if 2**power < n)


def mth(entries: list[bytes]) -> bytes:
    """Section 2.1.1."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = k_of(len(entries))
    return hashlib.sha256(b"\1" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = k_of(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: list[bytes]) -> list[bytes]:
    """Section 2.1.4.1."""

    def subproof(m: int, entries: list[bytes], known: bool) -> list[bytes]:
        if m == len(entries):
            return [] if known else [mth(entries)]
        k = k_of(len(entries))
        if m <= k:
            return [*subproof(m, entries[:k], known), mth(entries[k:])]
        return [*subproof(m - k, entries[k:], False), mth(entries[:k])]

    return subproof(m, entries, True)


# The log of RFC 6962's reference implementation (certificate-transparency, merkletree tests).
KNOWN_ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_known_answers() -> None:
    leaves = [leaf_hash(entry) for entry in KNOWN_ENTRIES]
    assert [root_hash(leaves[: n + 1]).hex() for n in range(8)] == KNOWN_ROOTS
    assert root_hash([]).hex() == hashlib.sha256().hexdigest() == EMPTY_ROOT.hex()


def test_roots_and_proofs_are_the_rfcs() -> None:
    for size in range(LARGEST + 1):
        assert root_hash(LEAVES[:size]) == mth(ENTRIES[:size])
        for index in range(size):
            assert inclusion_proof(index, size, subtrees_of(LEAVES)) == path(index, ENTRIES[:size])
            earlier = consistency_proof(index + 1, size, subtrees_of(LEAVES))
            assert earlier == proof(index + 1, ENTRIES[:size])


def altered(hashes: list[bytes]) -> list[list[bytes]]:
    """Other proofs near a good one."""
    others = [[*hashes, bytes(32)], [bytes(32), *hashes]]
    for at, one in enumerate(hashes):
        flipped = bytes([one[0] ^ 1]) + one[1:]
        others += [[*hashes[:at], flipped, *hashes[at + 1 :]], hashes[:at] + hashes[at + 1 :]]
        if at and one != hashes[at - 1]:
            others.append([*hashes[: at - 1], one, hashes[at - 1], *hashes[at + 1 :]])
    return others


def test_every_inclusion_proof_holds_and_no_altered_one() -> None:
    for size in range(1, LARGEST + 1):
        leaves, root = LEAVES[:size], mth(ENTRIES[:size])
        for index in range(size):
            good = inclusion_proof(index, size, subtrees_of(leaves))
            verify_inclusion(index, size, leaves[index], good, root)
            wrong = [(index, size, leaves[index], other, root) for other in altered(good)]
            wrong += [
                (index, size, bytes(32), good, root),
                (index, size, leaves[index], good, bytes(32)),
                (size, size, leaves[index], good, root),
                (-1, size, leaves[index], good, root),
            ]
            wrong += [
                (other, size, leaves[index], good, root) for other in range(size) if other != index
            ]
            for arguments in wrong:
                with pytest.raises(WireError, match="proof"):
                    verify_inclusion(*arguments)


def test_every_consistency_proof_holds_and_no_altered_one() -> None:
    for size in range(1, LARGEST + 1):
        root = mth(ENTRIES[:size])
        for first in range(1, size + 1):
            first_root = mth(ENTRIES[:first])
            good = consistency_proof(first, size, subtrees_of(LEAVES))
            verify_consistency(first, first_root, size, root, good)
            wrong = [(first, first_root, size, root, other) for other in altered(good)]
            wrong += [
                (first, bytes(32), size, root, good),
                (first, first_root, size, bytes(32), good),
                (size + 1, first_root, size, root, good),
            ]
            for arguments in wrong:
                with pytest.raises(WireError, match="proof"):
                    verify_consistency(*arguments)


def test_anything_follows_the_empty_tree() -> None:
    verify_consistency(0, EMPTY_ROOT, 5, mth(ENTRIES[:5]), [])
    with pytest.raises(WireError, match="proof"):
        verify_consistency(0, EMPTY_ROOT, 5, mth(ENTRIES[:5]), [bytes(32)])


def test_a_rewritten_log_is_not_consistent() -> None:
    """One entry changed in the part that was seen before."""
    rewritten = [*LEAVES[:3], leaf_hash(b"another"), *LEAVES[4:20]]
    for first in range(4, 20):
        claimed = consistency_proof(first, len(rewritten), subtrees_of(rewritten))
        with pytest.raises(WireError, match="proof"):
            verify_consistency(first, root_hash(LEAVES[:first]), 20, root_hash(rewritten), claimed)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_leaves_that_are_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(index, size, subtrees_of(LEAVES))


@pytest.mark.parametrize("first", [0, 6, -1])
def test_trees_that_are_not_there(first: int) -> None:
    with pytest.raises(ValueError, match="no tree"):
        consistency_proof(first, 5, subtrees_of(LEAVES))
