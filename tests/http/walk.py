#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feels its way towards an entry, as somebody would who wants its hash: versions of one picture on
both sides of the radius, one a request.

usage: walk.py HOST PORT KEY PDQ RADIUS     prints JSON: steps until it was slowed, what that answer
                                            said, and how it went on
"""
import http.client
import json
import random
import sys
import time

host, port, key, entry, radius = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4], 16), int(sys.argv[5])
headers = {'Authorization': 'Bearer ' + key, 'Content-Type': 'application/json'}
connection = http.client.HTTPConnection(host, port, timeout=20)
random.seed(1)
order = random.sample(range(256), 256)


def ask(*hashes):
    connection.request('POST', '/v1/check', json.dumps({'items': [{'pdq': '%064x' % h} for h in hashes]}), headers)
    answer = connection.getresponse()
    return answer.status, answer.getheader('Retry-After'), json.loads(answer.read())


def at(count, last):
    """The entry with `count` bits flipped, the last of them another one each time."""
    flipped = 0
    for bit in order[:count - 1] + [order[count + last]]:
        flipped |= 1 << bit
    return entry ^ flipped


said = {'verdicts': []}
for step in range(200):
    status, retry, answer = ask(at(radius if step % 2 == 0 else radius + 1, step // 2))
    if status != 200:
        break
    said['verdicts'].append(answer['results'][0]['verdict'])
said.update(steps=step, status=status, retry_after=retry, code=answer.get('error', {}).get('code'))
said['at_once'] = ask(at(radius, 150))[0]
time.sleep(int(retry or 0))
status, _, answer = ask(at(radius, 151))  # let in again, and slowed again by it
said['waited'] = [status, answer.get('results', [{}])[0].get('verdict')]
said['again'] = ask(at(radius, 152))[0]
time.sleep(2)
ask(*[at(radius, n) for n in range(100, 160)])  # sixty steps in one request
said['many'] = ask(at(radius, 170))[:2]
print(json.dumps(said))
