"""From one object file to a shared library, because a machine that only has Python has no linker.

Only what our own object needs: one ELF64 object without undefined names, without writable data and without absolute addresses, on
x86-64 or AArch64. Whatever else is found is an error, never a guess. Numbers are the System V ABI's and its processor supplements'.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

_PAGE = 1 << 16
"""The largest page of a processor that Linux runs on."""
_X86_64, _AARCH64 = 62, 183
_PROGBITS, _SYMTAB, _RELA, _NOBITS = 1, 2, 4, 8
_ALLOCATED, _WRITABLE = 2, 1
_HEADER, _PROGRAM, _SYMBOL, _SEGMENTS = 64, 56, 24, 4


class NotLinkable(ValueError):
    """The object has something that this linker does not know; the message says what."""


@dataclass(slots=True)
class _Section:
    name: str
    kind: int
    flags: int
    align: int
    link: int
    info: int
    data: bytes
    address: int = -1


@dataclass(frozen=True, slots=True)
class _Symbol:
    name: str
    info: int
    section: int
    value: int
    size: int


def link(data: bytes, names: list[str]) -> bytes:
    """A shared library that offers the functions `names` of the object `data`. Raises `NotLinkable`."""
    machine, sections, symbols = _read(data)
    offered = [symbol for name in names for symbol in symbols if symbol.name == name and symbol.section]
    if len(offered) != len(names):
        raise NotLinkable("a function is missing")
    strings = b"\0" + b"\0".join(name.encode() for name in names) + b"\0"
    table = _HEADER + _SEGMENTS * _PROGRAM
    hashes = table + _SYMBOL * (len(names) + 1)
    strung = hashes + 4 * (2 + 1 + len(names) + 1)
    size = _place(sections, strung + len(strings))
    dynamic = _rounded(size, _PAGE)
    image = bytearray(dynamic)
    for section in sections:
        if section.address >= 0:
            image[section.address : section.address + len(section.data)] = section.data
    _relocate(machine, image, sections, symbols)
    at = table + _SYMBOL
    for place, symbol in enumerate(offered):
        name = 1 + sum(len(other) + 1 for other in names[:place])
        # Every section of ours has the same number: whether it is not 0, for "undefined", is all that a loader looks at.
        struct.pack_into("<IBBHQQ", image, at, name, symbol.info, 0, 1, sections[symbol.section].address + symbol.value, symbol.size)
        at += _SYMBOL
    # One bucket whose chain has all of them.
    struct.pack_into(f"<{4 + len(names)}I", image, hashes, 1, len(names) + 1, 1, 0, *range(2, len(names) + 1), 0)
    image[strung : strung + len(strings)] = strings
    tags = ((4, hashes), (5, strung), (6, table), (10, len(strings)), (11, _SYMBOL), (0, 0))
    image += b"".join(struct.pack("<QQ", *tag) for tag in tags)
    length = 16 * len(tags)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    image[:_HEADER] = ident + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, _HEADER, 0, 0, _HEADER, _PROGRAM, _SEGMENTS, 64, 0, 0)
    # Code and constants may be read and executed; the loader notes addresses in the table of tags.
    # The last one says that nobody's stack has to be executable, as it would by default.
    loads = ((1, 5, 0, size, _PAGE), (1, 6, dynamic, length, _PAGE), (2, 6, dynamic, length, 8), (0x6474E551, 6, 0, 0, 16))
    for number, (kind, flags, offset, bytes_, align) in enumerate(loads):
        struct.pack_into("<IIQQQQQQ", image, _HEADER + number * _PROGRAM, kind, flags, offset, offset, offset, bytes_, bytes_, align)
    return bytes(image)


def _read(data: bytes) -> tuple[int, list[_Section], list[_Symbol]]:
    kind, machine = struct.unpack_from("<HH", data, 16) if len(data) >= _HEADER else (0, 0)
    if data[:6] != b"\x7fELF\2\1" or kind != 1 or machine not in _RELOCATIONS:
        raise NotLinkable("not an object of a processor that is known here")
    start, size, count, names = struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HHH", data, 58)
    raw = [struct.unpack_from("<IIQQQQIIQQ", data, start + size * number) for number in range(count)]
    texts = data[raw[names][4] : raw[names][4] + raw[names][5]]
    sections = [
        _Section(_text(texts, name), kind, flags, align, link, info, b"" if kind == _NOBITS else data[offset : offset + length])
        for name, kind, flags, _, offset, length, link, info, align, _ in raw
    ]
    if any(kind == _NOBITS and length for _, kind, _, _, _, length, *_ in raw):
        raise NotLinkable("it has data of its own")
    symbols = []
    for section in sections:
        if section.kind == _SYMTAB:
            for name, info, _, where, value, length in struct.iter_unpack("<IBBHQQ", section.data):
                symbols.append(_Symbol(_text(sections[section.link].data, name), info, where, value, length))
    return machine, sections, symbols


def _place(sections: list[_Section], address: int) -> int:
    """Give every section that is loaded its address; where they end. Tables for unwinding are left out: nothing here is ever thrown."""
    for section in sections:
        if not section.flags & _ALLOCATED or section.name == ".eh_frame" or not section.data:
            continue
        if section.flags & _WRITABLE or section.kind != _PROGBITS:
            raise NotLinkable(f"it has a section {section.name}")
        section.address = _rounded(address, section.align)
        address = section.address + len(section.data)
    return address


def _relocate(machine: int, image: bytearray, sections: list[_Section], symbols: list[_Symbol]) -> None:
    for section in sections:
        if section.kind != _RELA or sections[section.info].address < 0:
            continue
        for offset, info, addend in struct.iter_unpack("<QQq", section.data):
            symbol, kind = symbols[info >> 32], info & 0xFFFFFFFF
            if not 0 < symbol.section < 0xFF00 or sections[symbol.section].address < 0:
                raise NotLinkable(f"it needs {symbol.name or 'something'} from outside")
            if kind not in _RELOCATIONS[machine]:
                raise NotLinkable(f"it has a relocation {kind}")
            place = sections[section.info].address + offset
            _RELOCATIONS[machine][kind](image, place, sections[symbol.section].address + symbol.value + addend)


def _relative32(image: bytearray, place: int, target: int) -> None:
    struct.pack_into("<i", image, place, target - place)


def _relative64(image: bytearray, place: int, target: int) -> None:
    struct.pack_into("<q", image, place, target - place)


def _branch26(image: bytearray, place: int, target: int) -> None:
    _amend(image, place, ((target - place) >> 2) & 0x3FFFFFF)


def _page21(image: bytearray, place: int, target: int) -> None:
    pages = (target >> 12) - (place >> 12)
    _amend(image, place, (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5)


def _low12(shift: int) -> Callable[[bytearray, int, int], None]:
    def amend(image: bytearray, place: int, target: int) -> None:
        _amend(image, place, ((target & 0xFFF) >> shift) << 10)

    return amend


def _amend(image: bytearray, place: int, bits: int) -> None:
    """Set bits of an instruction that are 0 in the object."""
    struct.pack_into("<I", image, place, struct.unpack_from("<I", image, place)[0] | bits)


_RELOCATIONS: dict[int, dict[int, Callable[[bytearray, int, int], None]]] = {
    _X86_64: {2: _relative32, 4: _relative32, 24: _relative64},
    _AARCH64: {
        260: _relative64, 261: _relative32, 275: _page21, 277: _low12(0), 278: _low12(0), 282: _branch26, 283: _branch26,
        284: _low12(1), 285: _low12(2), 286: _low12(3), 299: _low12(4),
    },
}  # fmt: skip


def _rounded(number: int, step: int) -> int:
    return -(-number // max(1, step)) * max(1, step)


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()
