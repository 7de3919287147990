#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hash-check server for the tests of `herken check`: small, and as bad as it is told to be.

usage: hash_server.py FOLDER [CERT KEY [CLIENT-CA]]

It listens on a free port of 127.0.0.1, which it writes into FOLDER/port, or on that which stands
there. FOLDER/mode says how it behaves, read anew for each request: one word, then what it needs.
FOLDER/known holds a hash or digest a line: the items it calls near (a hash) or exact. Every
request's body goes into FOLDER/log, a line each, and its key into FOLDER/keys.
"""
import http.server
import json
import os
import socket
import ssl
import sys
import time

folder = sys.argv[1]


def read(name, otherwise=""):
    try:
        with open(os.path.join(folder, name)) as file:
            return file.read().strip()
    except FileNotFoundError:
        return otherwise


def note(name, text):
    with open(os.path.join(folder, name), "a") as file:
        file.write(text + "\n")


def verdict(item, known):
    result = {"ref": item["ref"], "verdict": "none"}
    probes = item.get("pdq", [])
    probes = probes if isinstance(probes, list) else [probes]
    if any(item.get(digest) in known for digest in ("md5", "sha1", "sha256")):
        result["verdict"] = "exact"
    elif any(probe in known for probe in probes):
        result["verdict"] = "near"
    if result["verdict"] != "none":
        result.update(categories=["A1"], match_id=os.urandom(16).hex())
    return result


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def error(self, status, code, headers=()):
        self.answer(status, {"error": {"code": code, "message": "as told\x1b[31m"}}, headers)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        items = json.loads(body)["items"]
        note("log", body.decode())
        note("keys", f"{self.path} {self.headers.get('Authorization')} {self.headers.get('Content-Type')}")
        known = set(read("known").split())
        results = [verdict(item, known) for item in items]
        good = {"revision": 7, "results": results}
        mode = read("mode", "good").split()
        word, rest = mode[0], mode[1:]
        if word == "good":
            self.answer(200, good)
        elif word == "status":
            self.error(int(rest[0]), "told", [("Location", "https://127.0.0.1:1/")])
        elif word == "busy":  # 429 so many times, then good
            left = int(rest[0])
            with open(os.path.join(folder, "mode"), "w") as file:
                file.write(f"busy {left - 1}" if left > 1 else "good")
            self.error(429, "rate", [("Retry-After", "1")])
        elif word == "at-most" and len(items) > int(rest[0]):
            self.error(413, "too_many")
        elif word == "at-most":
            self.answer(200, good)
        elif word == "poison":  # refuses requests with this digest
            bad = any(item.get("sha256") == rest[0] for item in items)
            self.error(400, "bad_item") if bad else self.answer(200, good)
        elif word == "slow":
            time.sleep(float(rest[0]))
            self.answer(200, good)
        elif word == "garbage":
            self.answer(200, b"\x00{]" * 50)
        elif word == "huge":
            self.answer(200, b'{"revision":7,"results":[' + b" " * 30_000_000 + b"]}")
        elif word == "cut":
            data = json.dumps(good).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif word == "close":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif word == "missing":
            self.answer(200, {**good, "results": results[1:]})
        elif word == "extra":
            self.answer(200, {**good, "results": results + [{"ref": "other", "verdict": "none"}]})
        elif word == "twice":
            self.answer(200, {**good, "results": results + results[:1]})
        elif word == "twins":  # a key twice in one object
            text = json.dumps(good).replace('"verdict":', '"verdict": "near", "verdict":', 1)
            self.answer(200, text.encode())
        elif word == "reversed":
            self.answer(200, {**good, "results": results[::-1]})
        elif word == "say":  # this verdict for all
            said = json.loads(" ".join(rest))
            self.answer(200, {**good, "results": [{"ref": item["ref"], **said} for item in items]})
        elif word == "body":
            self.answer(200, " ".join(rest).encode())
        else:
            self.error(500, "no_such_mode")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


if os.environ.get("LISTEN_UNIX"):  # at this path, until it is killed
    Server.address_family = socket.AF_UNIX
    Server.server_bind = lambda self: self.socket.bind(self.server_address)
    Handler.address_string = lambda self: "unix"
    Server(os.environ["LISTEN_UNIX"], Handler).serve_forever()
server = Server(("127.0.0.1", int(read("port", "0"))), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    if len(sys.argv) > 4:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(os.path.join(folder, "port.new"), "w") as file:
    file.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
