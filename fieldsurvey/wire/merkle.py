"""The tree over HQ's receipts: RFC 9162, section 2.1.

A leaf can be shown to be in a tree, and a later tree to contain an earlier one, with a few hashes.
``leaves`` are leaf hashes, oldest first. A :data:`Subtree` gives the root over the leaves from one
number to before another; whoever has many of them keeps the inner ones.
"""

import hashlib
from collections.abc import Callable, Sequence

from fieldsurvey.wire.canonical import WireError

Subtree = Callable[[int, int], bytes]

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf's content."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return the largest power of two below ``size``: how many leaves lie left in a tree of it."""
    return 1 << ((size - 1).bit_length() - 1)


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the root (section 2.1.1)."""
    frontier: list[bytes | None] = []  # complete subtrees, smallest first
    for leaf in leaves:
        node = leaf
        for level, left in enumerate(frontier):
            if left is None:
                frontier[level] = node
                break
            node, frontier[level] = node_hash(left, node), None
        else:
            frontier.append(node)
    root: bytes | None = None
    for left in frontier:
        if left is not None:
            root = left if root is None else node_hash(left, root)
    return EMPTY_ROOT if root is None else root


def subtrees_of(leaves: Sequence[bytes]) -> Subtree:
    """Return what computes each subtree from its leaves."""
    return lambda start, end: root_hash(leaves[start:end])


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return the path from a leaf to the root of a tree of ``size`` (section 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} among {size}")
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_proof(first_size: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return hashes that show the first ``first_size`` leaves to be the beginning of a tree of
    ``size`` (section 2.1.4.1)."""
    if not 0 < first_size <= size:
        raise ValueError(f"no tree of {first_size} in one of {size}")
    start, end = 0, size
    proof: list[bytes] = []
    while end != first_size:
        middle = start + split(end - start)
        if first_size <= middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(start, middle))
            start = middle
    if start > 0:  # else the earlier root itself, which whoever asks has
        proof.append(subtree(start, end))
    return proof[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise WireError ``proof`` unless leaf ``index`` of the tree is ``leaf`` (section 2.1.3.2)."""
    if not 0 <= index < size:
        raise WireError("proof", f"no leaf {index} in a tree of {size}")
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise WireError("proof", "too long")
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    if last != 0 or found != root:
        raise WireError("proof", "does not lead to the root")


def verify_consistency(
    first_size: int, first_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise WireError ``proof`` unless the tree of ``size`` begins with that of ``first_size``
    (section 2.1.4.2)."""
    if first_size > size:
        raise WireError("proof", "the tree has become smaller")
    if first_size == 0 or first_size == size:
        if proof or (first_size == size and first_root != root):
            raise WireError("proof", "another tree of the same size")
        return
    path = list(proof)
    if first_size & (first_size - 1) == 0:
        path.insert(0, first_root)
    if not path:
        raise WireError("proof", "too short")
    node, last = first_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first_found = found = path[0]
    for step in path[1:]:
        if last == 0:
            raise WireError("proof", "too long")
        if node & 1 or node == last:
            first_found, found = node_hash(step, first_found), node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    if last != 0 or first_found != first_root or found != root:
        raise WireError("proof", "the earlier tree is not the beginning of the later one")
