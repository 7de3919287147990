#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short requests while long ones are being answered, all on one thread of the server.

usage: long.py HOST PORT KEY MD5 [stop]     MD5 is of an entry
Prints how many short ones were answered while long ones were. With `stop` it prints "sent" once all
long ones are there, and then the statuses of their answers.
"""
import http.client
import json
import sys
import threading

host, port, key, md5 = sys.argv[1:5]
headers = {'Authorization': 'Bearer ' + key, 'Content-Type': 'application/json'}
LONG = json.dumps({'items': [{'pdq': ['%064x' % (n * 131 + k) for k in range(100)]} for n in range(999)] + [{'md5': md5}]})
SHORT = json.dumps({'items': [{'md5': md5}]})


def send(body):
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request('POST', '/v1/check', body, headers)
    return connection


def finish(connection):
    answer = connection.getresponse()
    return answer.status, answer.read()


def is_right(answer, count):
    status, text = answer
    verdicts = [r['verdict'] for r in json.loads(text)['results']] if status == 200 else []
    return len(verdicts) == count and verdicts[-1] == 'exact' and 'exact' not in verdicts[:-1]


longs = [send(LONG) for _ in range(4)]
if 'stop' in sys.argv:
    print('sent', flush=True)
    for c in longs:
        try:
            print(finish(c)[0], end=' ')
        except (OSError, http.client.HTTPException):
            print('ended', end=' ')
    sys.exit()
answers = []
reader = threading.Thread(target=lambda: answers.extend(finish(c) for c in longs))
reader.start()
short, shorts = http.client.HTTPConnection(host, int(port), timeout=30), 0
while reader.is_alive():
    short.request('POST', '/v1/check', SHORT, headers)
    if not is_right(finish(short), 1):
        sys.exit('a short answer is wrong')
    shorts += 1
reader.join()
if not all(is_right(a, 1000) for a in answers):
    sys.exit('a long answer is wrong: ' + repr([a[0] for a in answers]))
print(shorts)
