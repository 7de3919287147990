#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of all sorts, for hours: good ones, whose every acknowledged answer is written down, and
bad ones. For soak.sh; ends once FOLDER/end is there.

usage: soak_load.py PORT KEY MD5S FOLDER       MD5S: a file of them, a line each, that always hit

Writes into FOLDER: ids (match ids of answers), feedback (match ids of accepted feedback), disagreed
(MD5s of entries that feedback disagreed with), counts (JSON, each second), faults (what should not
have been answered so).
"""
import json
import os
import random
import re
import socket
import struct
import sys
import threading
import time

port, key, md5s, folder = int(sys.argv[1]), sys.argv[2], open(sys.argv[3]).read().split(), sys.argv[4]
counts, lock = {}, threading.Lock()
files = {name: open(os.path.join(folder, name), 'w', buffering=1) for name in ('ids', 'feedback', 'disagreed', 'faults')}
ANSWERS_TO_BAD = {'200', '400', '401', '403', '404', '405', '408', '411', '413', '414', '415', '431', '501', '503', '505'}


def count(what, n=1):
    with lock:
        counts[what] = counts.get(what, 0) + n


def put(name, lines):
    with lock:
        files[name].write(''.join(line + '\n' for line in lines))


def ends():
    return os.path.exists(os.path.join(folder, 'end'))


def connect():
    """Until there is one: the server may just be starting again."""
    while not ends():
        try:
            return socket.create_connection(('127.0.0.1', port), timeout=60)
        except OSError:
            count('refused')
            time.sleep(0.05)
    raise SystemExit


def post(path, body):
    return (f'POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n'
            f'Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n').encode() + body


def answer(s):
    """Status and body; raises ConnectionError where the connection ended first."""
    got = b''
    while b'\r\n\r\n' not in got:
        more = s.recv(1 << 16)
        if not more:
            raise ConnectionError
        got += more
    head, body = got.split(b'\r\n\r\n', 1)
    length = int(re.search(rb'(?i)content-length: (\d+)', head).group(1))
    while len(body) < length:
        more = s.recv(1 << 16)
        if not more:
            raise ConnectionError
        body += more
    return head[9:12].decode(), body


def stranger(r):
    bits = [1] * 128 + [0] * 128
    r.shuffle(bits)
    return '%064x' % int(''.join(map(str, bits)), 2)


def check(s, r, strangers):
    n = r.choices((1, r.randint(2, 50), 1000), (90, 9, 1))[0]
    known = [r.random() < (0.3 if n == 1 else 0.02) for _ in range(n)]
    asked = [r.choice(md5s) if k else None for k in known]
    s.sendall(post('/v1/check', json.dumps({'items': [{'md5': a} if a else {'pdq': r.choice(strangers)} for a in asked]}).encode()))
    status, body = answer(s)
    count('check ' + status)
    if status != '200':
        return None
    results = json.loads(body)['results']
    if len(results) != n or any((x['verdict'] == 'exact') != k for x, k in zip(results, known)):
        put('faults', ['a check was answered wrongly'])
    hits = [(x['match_id'], a) for x, a in zip(results, asked) if a and 'match_id' in x]
    put('ids', [h[0] for h in hits])
    count('items', n)
    return r.choice(hits) if hits else None


def feedback(s, r, hit):
    agree = r.random() < 0.5
    s.sendall(post('/v1/feedback', json.dumps({'match_id': hit[0], 'agree': agree, **({} if agree else {'reason': 'a soak'})}).encode()))
    status, _ = answer(s)
    count('feedback ' + status)
    if status == '200':
        put('feedback', [hit[0]])
        if not agree:
            put('disagreed', [hit[1]])
    elif status != '503':
        put('faults', ['feedback: ' + status])


def good(seed):
    r = random.Random(seed)
    strangers = [stranger(r) for _ in range(500)]
    while not ends():
        s = connect()
        try:
            for _ in range(r.randint(1, 2000)):
                hit = check(s, r, strangers)
                if hit and r.random() < 0.2:
                    feedback(s, r, hit)
                time.sleep(r.random() * 0.06)
                if ends():
                    break
        except socket.timeout:
            put('faults', ['no answer within a minute'])
        except (ConnectionError, OSError):
            count('connections lost')
        s.close()


def mutant(r):
    text = bytearray(post(r.choice(('/v1/check', '/v1/feedback', '/v1/lists', '/metrics', '/')), b'{"items":[{"md5":"%s","ref":"x"}]}' % r.choice(md5s).encode()))
    for _ in range(r.randint(1, 20)):
        at = r.randrange(len(text))
        what = r.randrange(4)
        if what == 0:
            text[at] = r.randrange(256)
        elif what == 1:
            del text[at:at + r.randint(1, 30)]
        elif what == 2:
            text[at:at] = r.randbytes(r.randint(1, 30))
        else:
            text[at:at] = text[r.randrange(len(text)):][:50]
        if not text:
            return b'\0'
    return bytes(text)


def malformed(seed):
    r = random.Random(seed)
    while not ends():
        s = connect()
        s.settimeout(2)
        try:
            s.sendall(r.choice((mutant(r), r.randbytes(r.randint(1, 5000)), post('/v1/check', b'[' * r.randint(1, 20000)))))
            s.shutdown(socket.SHUT_WR)
            got = s.recv(1 << 16)
            status = got[9:12].decode('latin-1') if got.startswith(b'HTTP/1.') else 'none'
            count('malformed ' + status)
            if status != 'none' and status not in ANSWERS_TO_BAD:
                put('faults', ['malformed: ' + status])
        except OSError:
            count('malformed none')
        s.close()
        time.sleep(0.02)


def dropped(seed):
    """Goes away in the middle of the request, or before the answer is read, politely or not."""
    r = random.Random(seed)
    body = json.dumps({'items': [{'pdq': stranger(r)} for _ in range(1000)]}).encode()
    while not ends():
        s = connect()
        try:
            text = post('/v1/check', body if r.random() < 0.3 else b'{"items":[{"md5":"%s"}]}' % md5s[0].encode())
            s.sendall(text[:r.randint(1, len(text)) if r.random() < 0.7 else len(text)])
            if r.random() < 0.5:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        except OSError:
            pass
        s.close()
        count('dropped')
        time.sleep(0.05)


def slow(seed):
    """A byte a second, of headers or of a body, until it is cut."""
    r = random.Random(seed)
    text = post('/v1/check', b' ' * 3000)
    while not ends():
        s = connect()
        try:
            s.sendall(text[:r.choice((20, text.index(b'\r\n\r\n') + 4))])
            while not ends():
                s.sendall(b'x')
                time.sleep(1)
        except OSError:
            count('slow, cut')
        s.close()


def keep_counts():
    while True:
        with lock:
            text = json.dumps(counts, sort_keys=True)
        path = os.path.join(folder, 'counts')
        with open(path + '.new', 'w') as file:
            file.write(text + '\n')
        os.rename(path + '.new', path)
        time.sleep(1)


threads = [threading.Thread(target=what, args=(seed,)) for seed, what in
           enumerate([good] * 6 + [malformed] * 2 + [dropped] * 2 + [slow] * 10)]
threading.Thread(target=keep_counts, daemon=True).start()
for t in threads:
    t.start()
for t in threads:
    t.join()
time.sleep(2)
