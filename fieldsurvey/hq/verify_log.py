"""A Merkle tree that only grows by leaves and tells its root: for walking a whole log once."""

from fieldsurvey.wire.merkle import EMPTY_ROOT, node_hash


class Frontier:
    """The complete subtrees that the leaves so far make up (RFC 9162, section 2.1.1)."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []  # largest first

    def add(self, leaf: bytes) -> None:
        node = leaf
        merged = self.size
        while merged & 1:
            node = node_hash(self._subtrees.pop(), node)
            merged >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._subtrees:
            return EMPTY_ROOT
        root = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            root = node_hash(left, root)
        return root
