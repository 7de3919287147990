#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds real answers of a server against the schemas in its /openapi.json.

usage: schema.py URL KEY PDQ      (PDQ: of an entry, so that something is near)
"""
import http.client
import json
import re
import sys
import urllib.parse

url, key, pdq = sys.argv[1:]
connection = http.client.HTTPConnection(urllib.parse.urlparse(url).netloc, timeout=10)
faults = 0


def ask(method, path, body=None, with_key=True):
    headers = {'Authorization': 'Bearer ' + key} if with_key else {}
    if body is not None:
        headers['Content-Type'] = 'application/json'
        body = json.dumps(body)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.getheader('Content-Type'), answer.read()


def fault(where, what):
    global faults
    faults += 1
    print(f'{where}: {what}')


def hold(schema, value, where):
    if '$ref' in schema:
        schema = find(schema['$ref'])
    if 'oneOf' in schema:
        return
    kind = schema.get('type')
    kinds = {'object': dict, 'array': list, 'string': str, 'integer': int, 'boolean': bool}
    if kind and (not isinstance(value, kinds[kind]) or (kind == 'integer' and isinstance(value, bool))):
        return fault(where, f'{value!r} is no {kind}')
    if 'enum' in schema and value not in schema['enum']:
        fault(where, f'{value!r} is none of {schema["enum"]}')
    if 'pattern' in schema and not re.search(schema['pattern'], value):
        fault(where, f'{value!r} is not as {schema["pattern"]}')
    if kind == 'object':
        known = schema.get('properties', {})
        for name in schema.get('required', []):
            if name not in value:
                fault(where, f'no {name}')
        for name, member in value.items():
            if name in known:
                hold(known[name], member, f'{where}.{name}')
            elif schema.get('additionalProperties') is False:
                fault(where, f'{name} is not in the schema')
    if kind == 'array':
        for i, item in enumerate(value):
            hold(schema.get('items', {}), item, f'{where}[{i}]')


def find(reference):
    at = api
    for part in reference.lstrip('#/').split('/'):
        at = at[part]
    return at


def answered(method, path, status, body=None, with_key=True):
    got, kind, text = ask(method, path, body, with_key)
    where = f'{method} {path}'
    if got != status:
        return fault(where, f'status {got}, not {status}: {text[:200]}')
    responses = api['paths'][path][method.lower()]['responses']
    response = responses.get(str(status), responses.get('default'))
    if response is None:
        return fault(where, f'status {status} is not in the schema')
    if '$ref' in response:
        response = find(response['$ref'])
    for type_, content in response['content'].items():
        if not kind.startswith(type_):
            fault(where, f'{kind}, not {type_}')
        elif type_ == 'application/json':
            value = json.loads(text)
            hold(content['schema'], value, where)
            return value


api = json.loads(ask('GET', '/openapi.json', with_key=False)[2])
described = set(api['paths'])
for path in ('/v1/check', '/v1/feedback', '/v1/lists', '/healthz', '/readyz', '/metrics', '/openapi.json'):
    if path not in described:
        fault(path, 'is not described')
items = [{'ref': 'x', 'pdq': pdq}, {'pdq': '5' * 64}, {'pdq': '5' * 64, 'quality': 1},
         {'md5': 'f6bf9fb9520e85f4864fd4d360028fb5'}, {'sha256': 'f' * 64}]
result = answered('POST', '/v1/check', 200, {'items': items})
match = result['results'][0]['match_id']
answered('POST', '/v1/check', 400, {'items': []})
answered('POST', '/v1/check', 413, {'items': items * 201})
answered('POST', '/v1/check', 401, {'items': items}, with_key=False)
answered('POST', '/v1/feedback', 200, {'match_id': match, 'agree': False, 'reason': 'é'})
answered('POST', '/v1/feedback', 404, {'match_id': 'f' * 32, 'agree': True})
answered('GET', '/v1/lists', 200)
answered('GET', '/healthz', 200)
answered('GET', '/readyz', 200)
answered('GET', '/metrics', 403)
answered('GET', '/openapi.json', 200)
test = find('#/info')['description']
for constant in ('ee9b15a06770421d0ae18f68d91d5852d23a87457b19ff1838d78136d678db5b',
                 'f6bf9fb9520e85f4864fd4d360028fb5'):
    if constant not in test:
        fault('info', 'the test entry is not stated')
sys.exit(faults > 0)
