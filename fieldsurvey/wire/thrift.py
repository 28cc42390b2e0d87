"""Thrift's compact protocol, as far as Parquet's footers and page headers use it.

Reads what strangers wrote without trusting a length in it; writes what we describe. Knows numbers
of fields and no names.
"""

from collections.abc import Iterable, Sequence

Fields = dict[int, object]

_DEEPEST = 12


class Kind:
    """The protocol's own numbers."""

    TRUE = 1
    FALSE = 2
    BYTE = 3
    I16 = 4
    I32 = 5
    I64 = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    SET = 10
    MAP = 11
    STRUCT = 12


Field = tuple[int, int, object]  # number, kind, value


class ThriftReader:
    """Takes structs from ``data``, from ``at`` on. Raises ValueError for what is none.

    A struct is its fields by number: int, bool, bytes (doubles too), list or again a struct.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    def skip(self, length: int) -> None:
        self._bytes(length)

    def struct(self, depth: int = 0) -> Fields:
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        fields: Fields = {}
        number = 0
        while (byte := self._byte()) != 0:
            step, kind = byte >> 4, byte & 15
            number = number + step if step else self._integer()
            if number in fields:
                raise ValueError("a field twice")
            if kind <= Kind.FALSE:
                fields[number] = kind == Kind.TRUE
            else:
                fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> object:
        if Kind.I16 <= kind <= Kind.I64:
            return self._integer()
        if kind == Kind.BINARY:
            return self._bytes(self._varint())
        if kind == Kind.STRUCT:
            return self.struct(depth + 1)
        if kind in (Kind.LIST, Kind.SET):
            return self._list(depth)
        if Kind.TRUE <= kind <= Kind.BYTE:  # a truth in a list is a byte
            return self._byte()
        if kind == Kind.DOUBLE:
            return self._bytes(8)
        raise ValueError(f"kind {kind}")

    def _list(self, depth: int) -> list[object]:
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        byte = self._byte()
        count, kind = byte >> 4, byte & 15
        if count == 15:
            count = self._varint()
        if count > len(self._data) - self.at:  # every element takes a byte at least
            raise ValueError("cut off")
        return [self._value(kind, depth + 1) for _ in range(count)]

    def _bytes(self, length: int) -> bytes:
        start, self.at = self.at, self.at + length
        if self.at > len(self._data):
            raise ValueError("cut off")
        return self._data[start : self.at]

    def _byte(self) -> int:
        at = self.at
        if at >= len(self._data):
            raise ValueError("cut off")
        self.at = at + 1
        return self._data[at]

    def _varint(self) -> int:
        number = shift = 0
        while (byte := self._byte()) >= 0x80:
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number that does not end")
        return number | byte << shift

    def _integer(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)


def thrift_struct(fields: Iterable[Field]) -> bytes:
    """Encode a struct; ``fields`` in the order of their numbers."""
    content = bytearray()
    before = 0
    for number, kind, value in fields:
        if not 0 < number - before < 16:
            raise ValueError("fields are not in order")
        content.append((number - before) << 4 | kind)
        content += _encoded(kind, value)
        before = number
    return bytes(content) + b"\0"


def thrift_list(kind: int, values: Sequence[object]) -> bytes:
    """Encode a list of values of one kind."""
    head = bytes([len(values) << 4 | kind]) if len(values) < 15 else bytes([0xF0 | kind])
    length = b"" if len(values) < 15 else _varint(len(values))
    return head + length + b"".join(_encoded(kind, value) for value in values)


def _encoded(kind: int, value: object) -> bytes:
    """Encode a value; structs and lists come encoded."""
    if isinstance(value, int):
        return _varint(value << 1 ^ value >> 63)
    if not isinstance(value, bytes):
        raise TypeError(f"{value!r} as kind {kind}")
    return _varint(len(value)) + value if kind == Kind.BINARY else value


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)
