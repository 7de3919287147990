# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by tests that ask a real browser: Chromium without a window, spoken to through two pipes
# in the DevTools protocol (JSON, a NUL after each message). No port is opened, nothing is fetched.
# Source it before lib.sh, whose $work and fail it uses.

# browser_start: or the test is skipped.
browser_start() {
    program=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
        echo "skipped: no Chromium here"
        exit 77
    }
    mkfifo "$work/to" "$work/from"
    exec 7<>"$work/to" 8<>"$work/from"
    HOME=$work "$program" --headless=new --no-sandbox --disable-gpu --no-first-run \
        --disable-background-networking --user-data-dir="$work/profile" --window-size=1280,900 \
        --remote-debugging-pipe 3<"$work/to" 4>"$work/from" 7>&- 8>&- >/dev/null 2>"$work/browser.err" &
    browser=$!
    trap 'kill "$browser" 2>/dev/null; wait "$browser" 2>/dev/null; chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT
    number=0 session= events=$work/events
    tell Target.createTarget '{"url":"about:blank"}'
    tell Target.attachToTarget "{\"targetId\":\"$(jq -r .result.targetId <<<"$answer")\",\"flatten\":true}"
    session=",\"sessionId\":\"$(jq -r .result.sessionId <<<"$answer")\""
    for domain in Page Runtime Log; do tell $domain.enable '{}'; done
}

# tell METHOD PARAMETERS: the whole answer in $answer; events that come before it in the file $events.
tell() {
    number=$((number + 1))
    printf '{"id":%d,"method":"%s","params":%s%s}\0' "$number" "$1" "$2" "$session" >&7
    while IFS= read -r -d '' -t 60 answer <&8; do
        case $answer in
            "{\"id\":$number,\"error\""*) echo "$1: $answer"; return 1 ;;
            "{\"id\":$number,"*) return ;;
            *) printf '%s\n' "$answer" >>"$events" ;;
        esac
    done
    echo "the browser does not answer $1: $(tail -n 3 "$work/browser.err")"
    return 1
}

# js EXPRESSION: its value as JSON, in $value.
js() {
    tell Runtime.evaluate "{\"expression\":$(jq -Rs . <<<"$1"),\"returnByValue\":true,\"awaitPromise\":true}"
    value=$(jq -c '.result | if .exceptionDetails then error(.exceptionDetails.exception.description) else .result.value end' <<<"$answer")
}

# browser_open FILE: waits until it is loaded, and what it had to say is in $events.
browser_open() {
    : >"$events"
    tell Page.navigate "{\"url\":\"file://$1\"}"
    js "new Promise(done => { const look = () => document.readyState == 'complete' && location.pathname == '$1' ? setTimeout(done, 100, 1) : setTimeout(look, 20); look(); })"
    js 'location.pathname'
    is "the page that is open" "$value" "\"$1\""
}

# press KEY CODE: Tab 9, Enter 13
press() {
    local text=
    [ "$1" != Enter ] || text=',"text":"\r"'
    tell Input.dispatchKeyEvent "{\"type\":\"$([ "$text" ] && echo keyDown || echo rawKeyDown)\",\"key\":\"$1\",\"code\":\"$1\",\"windowsVirtualKeyCode\":$2$text}"
    tell Input.dispatchKeyEvent "{\"type\":\"keyUp\",\"key\":\"$1\",\"code\":\"$1\",\"windowsVirtualKeyCode\":$2}"
}

# browser_print PAGE PDF: by a browser of its own, since bytes come slowly through a pipe.
browser_print() {
    HOME=$work "$program" --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/printing" \
        --no-pdf-header-footer --print-to-pdf="$work/$2" "file://$work/$1" 2>>"$work/browser.err"
}
