#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks over kept connections until a file is there; every answer must be a good one.

usage: load.py HOST PORT KEY MD5 FILE      prints how many, and the revisions seen
MD5 is of an entry that every revision has; besides it a stranger is asked for. (Near hits by the
hundred on one entry would be braked.)
"""
import http.client
import json
import os
import sys
import threading

host, port, key, md5, end = sys.argv[1:]
body = json.dumps({'items': [{'ref': 'known', 'md5': md5}, {'ref': 'stranger', 'pdq': '5' * 64}]})
headers = {'Authorization': 'Bearer ' + key, 'Content-Type': 'application/json'}
counts, revisions, faults = [0] * 4, set(), []


def run(number):
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    newest = 0
    while not os.path.exists(end) and not faults:
        try:
            connection.request('POST', '/v1/check', body, headers)
            answer = connection.getresponse()
            text = answer.read()
            got = json.loads(text)
            if answer.status != 200 or [r['verdict'] for r in got['results']] != ['exact', 'none']:
                faults.append(f'{answer.status} {text[:200]}')
                return
        except Exception as error:
            faults.append(repr(error))
            return
        if got['revision'] < newest:
            faults.append(f'revision {got["revision"]} after {newest}')
        newest = got['revision']
        revisions.add(newest)
        counts[number] += 1


threads = [threading.Thread(target=run, args=(n,)) for n in range(len(counts))]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum(counts), *sorted(revisions))
for fault in faults:
    print(fault)
sys.exit(bool(faults))
