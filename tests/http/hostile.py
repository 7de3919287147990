#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as no honest client sends them. Says the status that each got, or `closed`.

usage: hostile.py HOST PORT KEY
"""
import os
import random
import socket
import sys
import time

host, port, key = sys.argv[1], int(sys.argv[2]), sys.argv[3]
auth = f'Host: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n'
good = b'{"items":[{"md5":"00000001000000000000000000000004"}]}'
faults = 0


def connect():
    return socket.create_connection((host, port), timeout=10)


def read_status(s):
    try:
        got = s.recv(65536)
    except (ConnectionError, socket.timeout):
        return 'closed'
    return got.split(b' ')[1].decode() if got.startswith(b'HTTP/1.') else 'closed'


def send(text):
    with connect() as s:
        try:
            s.sendall(text if isinstance(text, bytes) else text.encode())
        except ConnectionError:
            pass
        return read_status(s)


def expect(what, got, *wanted):
    global faults
    if got not in wanted:
        faults += 1
        print(f'{what}: {got}, not {" or ".join(wanted)}')


def post(headers, body=b''):
    return f'POST /v1/check HTTP/1.1\r\n{auth}{headers}\r\n'.encode() + body


expect('a good one', send(post(f'Content-Length: {len(good)}\r\n', good)), '200')
expect('no HTTP', send(b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + bytes(200) + b'\r\n\r\n'), '400', 'closed')
expect('thousands of headers', send('GET /healthz HTTP/1.1\r\nHost: x\r\n' + 'X-A: b\r\n' * 20000 + '\r\n'), '431', '413', 'closed')
expect('a long header', send('GET /healthz HTTP/1.1\r\nHost: x\r\nX: ' + 'a' * 100000 + '\r\n\r\n'), '431', '413', 'closed')
expect('a long path', send('GET /' + 'a' * 100000 + ' HTTP/1.1\r\nHost: x\r\n\r\n'), '414', '431', 'closed')
expect('a NUL in the path', send('GET /health%00z HTTP/1.1\r\nHost: x\r\n\r\n'), '400', '404', 'closed')
expect('dots in the path', send('GET /../healthz HTTP/1.1\r\nHost: x\r\n\r\n'), '400', '404')
expect('no host', send('GET /healthz HTTP/1.1\r\n\r\n'), '400')
expect('two lengths', send(post(f'Content-Length: {len(good)}\r\nContent-Length: 5\r\n', good)), '400', 'closed')
expect('a length and chunks', send(post(f'Content-Length: {len(good)}\r\nTransfer-Encoding: chunked\r\n', b'%x\r\n%s\r\n0\r\n\r\n' % (len(good), good))), '400', 'closed')
expect('a length below zero', send(post('Content-Length: -1\r\n', good)), '400', '413', 'closed')
expect('an endless length', send(post('Content-Length: 99999999999999999999999\r\n', good)), '400', '413', 'closed')
expect('a huge length', send(post('Content-Length: 1000000000000\r\n', good)), '413')
expect('no chunks', send(post('Transfer-Encoding: chunked\r\n', b'zz\r\n')), '400', 'closed')
expect('a huge chunk', send(post('Transfer-Encoding: chunked\r\n', b'ffffffffffffffffff\r\n')), '400', '413', 'closed')
with connect() as s:  # chunks without end: what is over the bound is not kept, and then it is cut
    got = 'sent'
    try:
        s.sendall(post('Transfer-Encoding: chunked\r\n'))
        for _ in range(400):
            s.sendall(b'10000\r\n' + b' ' * 65536 + b'\r\n')
    except ConnectionError:
        got = 'closed'
    expect('endless chunks', got, 'closed')
with connect() as s:  # chunks a bit too long: it gets to read why
    s.sendall(post('Transfer-Encoding: chunked\r\n'))
    for _ in range(18):
        s.sendall(b'10000\r\n' + b' ' * 65536 + b'\r\n')
    s.sendall(b'0\r\n\r\n')
    expect('chunks a bit too long', read_status(s), '413')
with connect() as s:  # no key: the body of others is not kept, and the connection goes on
    s.sendall(b'POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n' + b'x' * 1000)
    expect('no key', read_status(s), '401')
    s.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    expect('and then a good one', read_status(s), '200')
strangers = []  # no key is asked for there: what they send takes no room from who has one
for path, length in (('/healthz', 'Content-Length: 1000000\r\n'), ('/readyz', 'Content-Length: 1000000\r\n'), ('/openapi.json', 'Transfer-Encoding: chunked\r\n')):
    strangers.append(connect())
    strangers[-1].sendall(f'GET {path} HTTP/1.1\r\nHost: x\r\n{length}\r\n'.encode() + (b'f4240\r\n' if 'chunked' in length else b'') + b' ' * 999000)
time.sleep(0.1)
expect('a good one beside bodies of strangers', send(post(f'Content-Length: {len(good)}\r\n', good)), '200')
for s in strangers:
    s.close()
with connect() as s:
    s.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello')
    expect('a body where none is taken', read_status(s), '200')
with connect() as s:  # several at once
    s.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' * 3)
    time.sleep(0.3)
    expect('pipelined', str(s.recv(65536).count(b'"ok"')), '3')

# Slow ones, side by side: each is ended within the seconds that the server was started with.
slow = {}
for what in ('headers', 'nothing', 'body', 'answer'):
    slow[what] = connect()
slow['headers'].sendall(b'GET /healthz HTTP/1.1\r\n')
slow['body'].sendall(post('Content-Length: 1000\r\n', b'{'))
began, ended = time.time(), {}
while len(ended) < 3 and time.time() - began < 8:
    time.sleep(0.2)
    for what in ('headers', 'nothing', 'body'):
        if what in ended:
            continue
        try:
            if what != 'nothing':
                slow[what].sendall(b'X: y\r\n' if what == 'headers' else b' ')
            slow[what].settimeout(0.01)
            if slow[what].recv(100) == b'':
                ended[what] = time.time() - began
        except socket.timeout:
            pass
        except ConnectionError:
            ended[what] = time.time() - began
for what in ('headers', 'nothing', 'body'):
    expect(f'slow {what}', 'ended' if what in ended else 'open', 'ended')

# Connections dropped at every moment, and noise.
random.seed(1)
whole = post(f'Content-Length: {len(good)}\r\n', good)
for i in range(150):
    s = connect()
    s.sendall(whole[:random.randrange(len(whole))] if i % 3 else os.urandom(random.randrange(1, 400)))
    if i % 2:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    s.close()

# More connections than there is room for: those that are in go on.
many = []
for _ in range(80):
    s = socket.socket()
    s.settimeout(0.5)
    try:
        s.connect((host, port))
        many.append(s)
    except OSError:
        s.close()
time.sleep(0.2)
for s in many:
    s.close()
time.sleep(0.3)
expect('after all that', send(post(f'Content-Length: {len(good)}\r\n', good)), '200')
sys.exit(faults > 0)
