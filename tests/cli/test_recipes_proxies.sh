#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The recipes for nginx and HAProxy, in these programs, on loopback: uploads pass or are refused, and
# are refused without a server; clients' addresses come into the audit log; nothing gets by.
. "$(dirname "$0")/lib.sh"
for program in nginx fcgiwrap haproxy; do
    PATH=$PATH:/usr/sbin command -v $program >/dev/null || { echo "no $program: tools/bootstrap.sh proxies"; exit 77; }
done
PATH=$PATH:/usr/sbin
recipes=$SOURCE/tools/recipes
pids=()
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; wait 2>/dev/null; rm -rf "$work"' EXIT
wait_for() { # COMMAND...: until it succeeds
    for _ in $(seq 200); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.05
    done
    fail "in vain: $*"
}
read -r upload_port front_port haproxy_port app_port < <(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*[s.getsockname()[1] for s in held])')

# ---- a list, a server, a key, and an application that keeps what it gets
db=$work/lists.db
mkdir known uploads nginx app
"$DRAW" 1 480 320 known/k.png
"$DRAW" 7 480 320 clean.jpg
cp known/k.png hit.png
run 0 list create case --db "$db"
run 0 list add case known --db "$db" --quiet
run 0 list approve case --db "$db" --quiet
(umask 077; "$HERKEN" key create gate --db "$db" --rate 0 --quota 0 --json --quiet | jq -r .key >key)
key=$(cat key)
start() {
    "$HERKEN" serve --db "$db" --listen "unix:$work/socket" --trusted-proxy unix 2>log &
    server=$!
    pids+=("$server")
    wait_for grep -q 'listening on' log
}
start
cat >app.py <<'END'
import http.server, sys
class App(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        open('app/' + self.path.rsplit('/', 1)[1], 'wb').write(body)
        self.send_response(201)
        self.end_headers()
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), App).serve_forever()
END
python3 app.py "$app_port" 2>app.log &
pids+=($!)

# ---- nginx: the gate for uploads, and the server behind it
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout proxy.key -out proxy.crt -days 2 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 >openssl.log 2>&1 || { fail openssl; cat openssl.log; }
cat proxy.crt proxy.key >proxy.pem
printf '#!/bin/sh\nexec "%s" "$@"\n' "$HERKEN" >herken
chmod +x herken
fitted() { # RECIPE SED-EXPRESSION...: every expression must find its place
    local text expression before
    text=$(cat "$recipes/$1")
    for expression in "${@:2}"; do
        before=$text
        text=$(sed "$expression" <<<"$text")
        [ "$text" != "$before" ] || echo "fitted: $1 has no place for $expression" >&2
    done
    printf '%s\n' "$text"
}
{
    echo "daemon off; master_process off; pid $work/nginx/pid; error_log $work/nginx/error; events {} http {"
    echo "access_log off; fastcgi_temp_path $work/nginx/f; proxy_temp_path $work/nginx/p; client_body_temp_path $work/nginx/b;"
    echo "uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s; server { listen 127.0.0.1:$upload_port;"
    fitted nginx.conf "s|/var/spool/herken-uploads|$work/uploads|" "s|/run/fcgiwrap.socket|$work/fcgi|" \
        "s|/usr/local/share/herken/recipes|$recipes|" "s|\"--db [^\"]*\"|\"--server unix:$work/socket --key-file $work/key --patience 0\"|" \
        "s|PATH /usr|PATH $work:/usr|" "s|127.0.0.1:8080|127.0.0.1:$app_port|"
    echo "}"
    fitted nginx-server.conf "s|listen 443|listen 127.0.0.1:$front_port|" "s|/etc/nginx/herken.crt|$work/proxy.crt|" \
        "s|/etc/nginx/herken.key|$work/proxy.key|" "s|/run/herken/socket|$work/socket|"
    echo "}"
} >nginx.conf 2>unfitted
[ ! -s unfitted ] || { fail "a recipe"; cat unfitted; }
fcgiwrap -s "unix:$work/fcgi" 2>fcgi.log &
pids+=($!)
wait_for [ -S fcgi ]
nginx -p "$work/nginx" -c "$work/nginx.conf" 2>nginx.log &
pids+=($!)
for port in $upload_port $app_port; do wait_for bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"; done

# upload STATUS NAME FILE [CURL ARGUMENT...]: and only with 201 the application has it, byte for byte
upload() {
    local want=$1 name=$2 file=$3 got
    shift 3
    got=$(curl -sS -m 60 -o out -w '%{http_code}' --data-binary "@$file" "$@" "http://127.0.0.1:$upload_port/upload/$name" 2>err) || got=none
    [ "$got" = "$want" ] || { fail "upload $name: $got, not $want"; cat err out nginx/error fcgi.log; }
    if [ "$want" = 201 ]; then
        cmp -s "$file" "app/$name" || fail "the application has another $name"
    else
        [ ! -e "app/$name" ] || fail "the application has $name"
    fi
}
form() { # FILE
    printf -- '--x\r\nContent-Disposition: form-data; name="f"; filename="up.png"\r\n\r\n'
    cat "$1"
    printf '\r\n--x--\r\n'
}
form clean.jpg >clean.form
form hit.png >hit.form
upload 201 clean clean.jpg -H 'Content-Type: image/jpeg'
upload 403 hit hit.png -H 'Content-Type: image/png'
upload 201 form clean.form -H 'Content-Type: multipart/form-data; boundary=x'
upload 403 hitform hit.form -H 'Content-Type: multipart/form-data; boundary=x'
upload 403 empty /dev/null -H 'Content-Type: image/png'
upload 403 words err -H 'Content-Type: image/png'
got=$(curl -sS -o /dev/null -w '%{http_code}' --data-binary @hit.png -H 'X-Accel-Redirect: @application' "http://127.0.0.1:$upload_port/upload/forged")
is "a client that says where to go" "$got" 403
[ ! -e app/forged ] || fail "the application has what was forged"
is "bodies that stay behind" "$(find uploads -type f | wc -l)" 0

# ---- both proxies, in front of the server
fitted haproxy.cfg "s|bind :443|bind 127.0.0.1:$haproxy_port|" "s|/etc/haproxy/herken.pem|$work/proxy.pem|" '/^    user /d' \
    '/^    group /d' '/^    log \/dev/d' "s|/run/herken/socket|$work/socket|" >haproxy.cfg 2>unfitted
[ ! -s unfitted ] || { fail "a recipe"; cat unfitted; }
haproxy -db -f haproxy.cfg >haproxy.log 2>&1 &
pids+=($!)
through() { # PORT PATH [CURL ARGUMENT...]: prints the status
    local port=$1 path=$2
    shift 2
    curl -sS -m 30 --cacert proxy.crt -o out -w '%{http_code}' -H "Authorization: Bearer $key" "$@" "https://127.0.0.1:$port$path" 2>err || true
}
answers() { [ "$(through "$1" /readyz)" = "$2" ]; }
body='{"items":[{"md5":"'$(md5sum <hit.png | cut -d' ' -f1)'"}]}'
python3 -c 'print("{\"items\":[" + ",".join(["{\"md5\":\"%032x\"}" % n for n in range(1000)]) + "]}")' >many.json
head -c 17000000 /dev/zero >large
for port in "$front_port" "$haproxy_port"; do
    wait_for answers "$port" 200
    is "a check through a proxy" "$(through "$port" /v1/check -H 'Content-Type: application/json' -d "$body" -H 'X-Forwarded-For: 203.0.113.9')" 200
    is "its verdict" "$(jq -r '.results[0].verdict' out)" exact
    is "whose it is, and not who he says" "$(jq -r 'select(.kind == "check").from' "$db.audit" | tail -n 1)" 127.0.0.1
    is "a batch through a proxy" "$(through "$port" /v1/check -H 'Content-Type: application/json' --data-binary @many.json)" 200
    # It waits for leave to send: who is in the middle of it may find the connection closed and no answer.
    is "a body that is too large" "$(through "$port" /v1/check -H 'Content-Type: application/json' -H 'Expect: 100-continue' --expect100-timeout 20 --data-binary @large)" 413
    is "another key" "$(through "$port" /v1/lists -H 'Authorization: Bearer hk_x')" 400 # two keys
done
is "metrics, through nginx" "$(through "$front_port" /metrics)" 404

# ---- without a server nothing passes
kill -TERM "$server"
wait "$server" || fail "the server does not end well"
upload 403 later clean.jpg -H 'Content-Type: image/jpeg'
upload 403 laterhit hit.png -H 'Content-Type: image/png'
is "nginx without a server" "$(through "$front_port" /v1/check -H 'Content-Type: application/json' -d "$body")" 502
wait_for answers "$haproxy_port" 503
is "HAProxy without a server" "$(through "$haproxy_port" /v1/check -H 'Content-Type: application/json' -d "$body")" 503
start
upload 201 again clean.jpg -H 'Content-Type: image/jpeg'
run 0 audit verify --db "$db"
finish
