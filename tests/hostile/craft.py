#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""craft.py - files that show one picture here and another there, made of two pictures.

usage: craft.py WHAT OUT INPUT...        (what each makes is said at its function)
"""
import struct
import sys
import zlib


def read(path):
    with open(path, "rb") as f:
        return f.read()


# ---- PNG ------------------------------------------------------------------------------------------

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(png):
    at = 8
    while at < len(png):
        length = struct.unpack(">I", png[at : at + 4])[0]
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def grey(path):
    """Rows of grey values of a binary PGM."""
    data = read(path)
    fields = b" ".join(l for l in data[:200].split(b"\n") if l[:1] != b"#").split()
    assert fields[0] == b"P5" and fields[3] == b"255"
    width, height = int(fields[1]), int(fields[2])
    pixels = data[len(data) - width * height :]
    return [pixels[y * width : (y + 1) * width] for y in range(height)]


def png(rows, depth_kind, pixel):
    raw = b"".join(b"\0" + b"".join(pixel(v) for v in row) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, depth_kind, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def ghost(black, white):
    """Two PGMs of one size: what is shown on black, and what on white; grey with alpha."""

    def pixel(pair):
        low, high = pair[0] // 2, 128 + pair[1] // 2  # dark on black, light on white
        alpha = 255 - (high - low)
        return bytes((min(255, (low * 255 + alpha // 2) // alpha) if alpha else 0, alpha))

    return png([list(zip(b, w)) for b, w in zip(grey(black), grey(white))], 4, pixel)


def apng(default, *frames):
    """An animated PNG of colour PNGs of one size, of which `default` is no frame."""
    parts = list(chunks(read(default)))
    width, height = struct.unpack(">II", parts[0][1][:8])
    out = SIGNATURE + chunk(*parts[0]) + chunk(b"acTL", struct.pack(">II", len(frames), 0))
    out += b"".join(chunk(k, d) for k, d in parts if k == b"IDAT")
    number = 0
    for frame in frames:
        out += chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, 1, 0, 0))
        number += 1
        for kind, data in chunks(read(frame)):
            if kind == b"IDAT":
                out += chunk(b"fdAT", struct.pack(">I", number) + data)
                number += 1
    return out + chunk(b"IEND", b"")


def still_apng(picture):
    """Its one frame is the default picture: nothing is hidden."""
    parts = list(chunks(read(picture)))
    width, height = struct.unpack(">II", parts[0][1][:8])
    first = chunk(*parts[0]) + chunk(b"acTL", struct.pack(">II", 1, 0))
    first += chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 1, 0, 0))
    return SIGNATURE + first + b"".join(chunk(k, d) for k, d in parts if k == b"IDAT") + chunk(b"IEND", b"")


def two_words(picture, frame):
    """Two acTL: by the first it has two frames, by the second only its default picture."""
    parts = list(chunks(read(picture)))
    width, height = struct.unpack(">II", parts[0][1][:8])
    turn = lambda n: chunk(b"fcTL", struct.pack(">IIIIIHHBB", n, width, height, 0, 0, 1, 1, 0, 0))
    out = SIGNATURE + chunk(*parts[0]) + b"".join(chunk(b"acTL", struct.pack(">II", n, 0)) for n in (2, 1))
    out += turn(0) + b"".join(chunk(k, d) for k, d in parts if k == b"IDAT") + turn(1)
    data = b"".join(d for k, d in chunks(read(frame)) if k == b"IDAT")
    return out + chunk(b"fdAT", struct.pack(">I", 2) + data) + chunk(b"IEND", b"")


# ---- JPEG -----------------------------------------------------------------------------------------


def segments(jpeg):
    """(marker, bytes with it) of each segment; a scan's data belongs to its SOS."""
    at = 2
    while at < len(jpeg):
        marker = jpeg[at + 1]
        end = at + 2
        if marker != 0xD9:
            end += struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        if marker == 0xDA:
            while not (jpeg[end] == 0xFF and jpeg[end + 1] not in (0, *range(0xD0, 0xD8))):
                end += 1
        yield marker, jpeg[at:end]
        at = end


def bare(path):
    """Without APPn."""
    return [(m, s) for m, s in segments(read(path)) if not 0xE0 <= m <= 0xEF]


def jpeg(parts, *before):
    return b"\xff\xd8" + b"".join(before) + b"".join(s for _, s in parts)


def app1(body):
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def exif(orientation, thumbnail=b""):
    tags = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 26 if thumbnail else 0)
    tiff = b"II*\0" + struct.pack("<I", 8) + tags
    if thumbnail:
        at = 26 + 2 + 2 * 12 + 4
        tiff += struct.pack("<HHHIIHHIII", 2, 0x201, 4, 1, at, 0x202, 4, 1, len(thumbnail), 0)
        tiff += thumbnail
    return app1(b"Exif\0\0" + tiff)


def xmp(orientation):
    return app1(
        b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
        b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' "
        b"xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='%d'/></rdf:RDF></x:xmpmeta>"
        % orientation
    )


def splice(first, rest):
    """Two progressive JPEGs of one size: the first scan of one, all others of the other."""
    a, b = bare(first), bare(rest)
    cut = lambda parts: next(i for i, (m, _) in enumerate(parts) if m == 0xDA) + 1
    return jpeg(a[: cut(a)] + b[cut(b) :])


# ---- TIFF -----------------------------------------------------------------------------------------


def directories(tiff):
    """(offset, [offset of each entry]) of each page; not of BigTIFF."""
    order = "<" if tiff[:2] == b"II" else ">"
    at = struct.unpack(order + "I", tiff[4:8])[0]
    while at:
        n = struct.unpack(order + "H", tiff[at : at + 2])[0]
        yield at, [at + 2 + 12 * i for i in range(n)]
        at = struct.unpack(order + "I", tiff[at + 2 + 12 * n : at + 6 + 12 * n])[0]


def break_page(path, page):
    """The data of one page (from 0) is overwritten."""
    tiff = bytearray(read(path))
    order = "<" if tiff[:2] == b"II" else ">"
    get = lambda kind, at: struct.unpack_from(order + kind, tiff, at)[0]
    for entry in list(directories(tiff))[int(page)][1]:
        if get("H", entry) == 273:  # where its strips are
            at = get("I", entry + 8)
            for i in range(get("I", entry + 4)):
                strip = get("I", at + 4 * i)
                tiff[strip : strip + 32] = bytes(range(200, 232))
    return tiff


def break_directory(path, page):
    """libtiff does not take the directory of one page (from 0); others may."""
    tiff = bytearray(read(path))
    for entry in list(directories(tiff))[int(page)][1]:
        if struct.unpack_from("<H" if tiff[:2] == b"II" else ">H", tiff, entry)[0] == 258:  # bits
            tiff[entry + 8 : entry + 12] = b"\xff" * 4
    return tiff


def shrink_page(path, page, side):
    """One page (from 0) is but a corner of what it was."""
    tiff = bytearray(read(path))
    order = "<" if tiff[:2] == b"II" else ">"
    for entry in list(directories(tiff))[int(page)][1]:
        if struct.unpack_from(order + "H", tiff, entry)[0] in (256, 257):  # width, height
            struct.pack_into(order + "HI", tiff, entry + 2, 4, 1)
            struct.pack_into(order + "I", tiff, entry + 8, int(side))
    return tiff


def mixed_pages(count):
    """Small pages of noise: the first is opaque, all others have alpha."""
    tiff, state, links = bytearray(b"II*\0\0\0\0\0"), 1, 4
    for page in range(int(count)):
        bands = 2 if page else 1
        data = bytearray()
        while len(data) < 64 * 64 * bands:
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            data.append(state >> 24)
        tags = [(256, 4, 64), (257, 4, 64), (258, 3, 8 | 8 << 16 if page else 8), (259, 3, 1)]
        tags += [(262, 3, 1), (273, 4, len(tiff)), (277, 3, bands), (278, 4, 64), (279, 4, len(data))]
        tags += [(338, 3, 2)] * (bands - 1)
        tiff += data
        struct.pack_into("<I", tiff, links, len(tiff))
        tiff += struct.pack("<H", len(tags))
        for tag, kind, value in tags:
            tiff += struct.pack("<HHII", tag, kind, 2 if tag == 258 and page else 1, value)
        links = len(tiff)
        tiff += bytes(4)
    return tiff


# ---- GIF ------------------------------------------------------------------------------------------


def gif_frame(width, height, value):
    """Of one grey, with codes of 9 bits that are all cleared in time."""
    bits, count, codes = 0, 0, bytearray()
    for i in range(width * height + 1):
        for code in ((256,) if i % 200 == 0 else ()) + ((value,) if i < width * height else (257,)):
            bits |= code << count
            count += 9
            while count >= 8:
                codes.append(bits & 255)
                bits, count = bits >> 8, count - 8
    codes.append(bits)
    blocks = b"".join(bytes((len(codes[i : i + 255]),)) + codes[i : i + 255] for i in range(0, len(codes), 255))
    return b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x08" + blocks + b"\0"


def slow_gif(width, height, frames):
    """Its canvas is large; all frames but the first and the last are a single pixel of it."""
    width, height = int(width), int(height)
    out = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0)
    out += b"".join(bytes((v, v, v)) for v in range(256)) + gif_frame(width, height, 9)
    return out + gif_frame(1, 1, 9) * (int(frames) - 2) + gif_frame(32, 64, 200) + b"\x3b"


def larger_later(gif, side):
    """A GIF whose first frame is a square of grey before the others."""
    data, side = read(gif), int(side)
    start = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    return data[:start] + gif_frame(side, side, 9) + data[start:]


# ---- others ---------------------------------------------------------------------------------------


def bmp(pgm):
    """8 bits with a palette of greys, the lowest row first."""
    rows = grey(pgm)
    width, height = len(rows[0]), len(rows)
    body = b"".join(row + bytes(-width % 4) for row in reversed(rows))
    palette = b"".join(bytes((v, v, v, 0)) for v in range(256))
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(body), 0, 0, 1078) + info + palette + body


def sequence(heif):
    """A box `moov` at the end, as image sequences have one."""
    return read(heif) + struct.pack(">I", 8) + b"moov"


def primary(heif, item):
    """Another item (of pictures that libvips wrote: 1, 3, 5, ...) is the primary picture."""
    data = bytearray(read(heif))
    at = data.index(b"pitm") + 8
    data[at : at + 2] = struct.pack(">H", int(item))
    return data


MAKERS = {
    "append": lambda *files: b"".join(read(f) for f in files),
    "ghost": ghost,
    "apng": apng,
    "still-apng": still_apng,
    "two-words": two_words,
    "slow-gif": slow_gif,
    "larger-later": larger_later,
    "splice": splice,
    "primary": primary,
    "mixed-pages": mixed_pages,
    "break-page": break_page,
    "shrink-page": shrink_page,
    "break-directory": break_directory,
    "bmp": bmp,
    "sequence": sequence,
    "exif": lambda a, o: jpeg(bare(a), exif(int(o))),
    "two-exif": lambda a, o, p: jpeg(bare(a), exif(int(o)), exif(int(p))),
    "xmp-exif": lambda a, o, p: jpeg(bare(a), xmp(int(o)), exif(int(p))),
    "exif-xmp": lambda a, o, p: jpeg(bare(a), exif(int(o)), xmp(int(p))),
    "xmp": lambda a, o: jpeg(bare(a), xmp(int(o))),
    "thumbnail": lambda a, b: jpeg(bare(a), exif(1, jpeg(bare(b)))),
}

if __name__ == "__main__":
    with open(sys.argv[2], "wb") as out:
        out.write(MAKERS[sys.argv[1]](*sys.argv[3:]))
