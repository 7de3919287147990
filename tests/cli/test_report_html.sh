#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The HTML report in a real browser: it loads without a complaint and without the network, hostile
# names stay words, a keyboard reaches everything, every word can be read by day and by night, and
# paper shows what the screen folds away.
. "$(dirname "$0")/browser.sh"
. "$(dirname "$0")/lib.sh"
: "${WRITE_PAGE:?}"
browser_start
for kind in night hostile empty; do
    "$WRITE_PAGE" $kind "$work/$kind.html" || fail "no page of $kind"
done

# complaints: errors and warnings that the page made the browser log
complaints() { grep -c -e '"method":"Log.entryAdded"' -e '"method":"Runtime.exceptionThrown"' -e '"method":"Runtime.consoleAPICalled"' "$events" || true; }
# check WHAT OBJECT: an object of JavaScript whose members must all be true
check() {
    js "(() => { const all = $2; return Object.keys(all).filter(k => all[k] !== true).map(k => k + ': ' + all[k]); })()"
    is "$1" "$value" '[]'
}

# Nothing is complained of and nothing is fetched; and for those who listen, headings go step by
# step, tables have captions and scopes, graphs have words.
for kind in night hostile empty; do
    browser_open "$work/$kind.html"
    is "complaints about $kind" "$(complaints)" 0
    check "$kind" '({
        fetched: performance.getEntriesByType("resource").length == 0,
        language: document.documentElement.lang == "en" && document.compatMode == "CSS1Compat",
        title: document.title == "Herken: report of a run over evidence",
        headings: [...document.querySelectorAll("h1,h2,h3")].map(h => +h.tagName[1]).every((n, i, all) => n <= (all[i - 1] || 0) + 1),
        tables: [...document.querySelectorAll("table")].every(t => t.caption && t.caption.textContent && [...t.querySelectorAll("th")].every(h => h.scope)),
        columns: [...document.querySelectorAll("table")].every(t => [...t.rows].every(r => r.cells.length && r.cells.length <= t.tHead.rows[0].cells.length)),
        graphs: [...document.querySelectorAll("svg")].every(s => s.querySelector("title") && s.querySelector("desc") && s.getAttribute("role") == "img"),
        ids: new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size == document.querySelectorAll("[id]").length,
        links: [...document.querySelectorAll("a")].every(a => a.getAttribute("href")[0] == "#" && document.getElementById(a.hash.slice(1))),
        elements: !document.querySelector("script, img, iframe, object, embed, form, base, link, [onload], [onerror], [onmouseover]"),
        attributes: [...document.querySelectorAll("*")].every(e => ![...e.attributes].some(a => /^on|javascript:/i.test(a.name + " " + a.value))),
        one: document.querySelectorAll("h1").length == 1 && document.querySelectorAll("main").length == 1,
        whole: document.body.lastElementChild.tagName == "MAIN" && document.querySelector("main").lastElementChild.id == "reading",
        seen: !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufffd]/.test(document.body.textContent),
    })'
done

# It would be found out: the policy forbids a script, and the browser says so.
sed 's|</main>|<script>document.title = "owned"</script><img src="https://example.invalid/x.png"></main>|' night.html >planted.html
browser_open "$work/planted.html"
[ "$(complaints)" -ge 2 ] || fail "a script and a picture from outside are not complained of"
check planted '({script: document.title == "Herken: report of a run over evidence"})'

# Names are shown as they are, and stay inside the page.
browser_open "$work/hostile.html"
check "names" '(names => ({
    script: names.includes("evidence/<script>document.title='"'owned'"'</script>.jpg"),
    bidi: names.includes("evidence/gpj.\\u202eexe.jpg"),
    bytes: names.includes("evidence/\\xff\\xfe broken \\xc3.jpg"),
    entity: names.includes("evidence/&lt;b&gt;&#60;.jpg"),
    rows: document.querySelectorAll("#hits tbody th").length == 13 || document.querySelectorAll("#hits tbody th").length,
}))([...document.querySelectorAll("#hits .path")].map(e => e.textContent))'
for width in 1280 760; do
    tell Emulation.setDeviceMetricsOverride "{\"width\":$width,\"height\":900,\"deviceScaleFactor\":1,\"mobile\":false}"
    check "$width pixels" '({inside: document.documentElement.scrollWidth <= innerWidth || document.documentElement.scrollWidth})'
done
tell Emulation.clearDeviceMetricsOverride '{}'

# Keyboard: the skip link comes first and skips; stops come one after another and can be seen; a
# key unfolds what is folded.
browser_open "$work/night.html"
press Tab 9
check "the first stop" '(e => ({skip: e.className == "skip", inside: e.getBoundingClientRect().top >= 0, seen: getComputedStyle(e).outlineStyle == "solid"}))(document.activeElement)'
press Enter 13
check "skipping" '({hash: location.hash == "#verdict", focus: document.activeElement.id == "verdict"})'
js 'window.order = [...document.querySelectorAll("a[href], summary")]; order.every(e => e.tabIndex == 0) && order.length > 30'
is "stops" "$value" true
for _ in 1 2 3 4 5; do press Tab 9; done
check "the fifth stop after it" '({which: document.activeElement == order[order.findIndex(e => e.closest("#verdict")) + 4] || document.activeElement.outerHTML, seen: getComputedStyle(document.activeElement).outlineStyle == "solid"})'
js 'window.list = document.querySelector(".group:not([open])"); list.querySelector("summary").focus(); 1'
press Enter 13
check "unfolding" '({open: list.open})'

# Contrast of every word against what lies behind it, by WCAG: 4.5 to 1; of bars 3 to 1.
js 'window.worst = () => {
    const parse = c => c.match(/[\d.]+/g).map(Number);
    const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
    const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
    const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((parse(c)[3] ?? 1) == 1) return c; } return "rgb(255,255,255)"; };
    let found = [99], colours = new Set();
    const take = (r, e, c) => { colours.add(c); if (r < found[0]) found = [r, e.outerHTML.slice(0, 80), c]; };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement, c = getComputedStyle(e)[e.closest("svg") ? "fill" : "color"];
        if (walk.currentNode.data.trim() && !e.closest("title,desc")) take(ratio(c, behind(e)), e, c);
    }
    for (const e of document.querySelectorAll(".bar, .area, .bad")) take(1.5 * ratio(getComputedStyle(e).fill, behind(e)), e, getComputedStyle(e).fill);
    return {readable: found[0] >= 4.5 || found.join(" "), colours: colours.size >= 8 || colours.size, ground: getComputedStyle(document.documentElement).backgroundColor == ground || getComputedStyle(document.documentElement).backgroundColor};
}; 1'
for scheme in light:rgb\(255,\ 255,\ 255\):#8a8a8a dark:rgb\(21,\ 24,\ 28\):#666666; do
    IFS=: read -r name ground faint <<<"$scheme"
    tell Emulation.setEmulatedMedia "{\"media\":\"screen\",\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$name\"}]}"
    check "colours, $name" "(() => { window.ground = '$ground'; return worst(); })()"
    check "faint words are found out, $name" "(() => { document.documentElement.style.setProperty('--soft', '$faint'); const found = worst().readable !== true; document.documentElement.style.removeProperty('--soft'); return {found}; })()"
done

# On paper: no dark ground, no contents, and what is folded is unfolded, but for thumbnails.
seen='document.querySelector(".group table tbody td").checkVisibility({contentVisibilityAuto: true})'
check "folded on the screen" "(() => { document.querySelectorAll('details').forEach(d => { d.open = false; }); return {folded: !$seen}; })()"
tell Emulation.setEmulatedMedia '{"media":"print","features":[{"name":"prefers-color-scheme","value":"dark"}]}'
check "paper" "({unfolded: $seen, white: getComputedStyle(document.documentElement).backgroundColor == 'rgb(255, 255, 255)', contents: getComputedStyle(document.querySelector('nav')).display == 'none'})"
browser_print night.html night.pdf
[ "$(head -c 5 night.pdf)" = "%PDF-" ] || fail "no PDF"
pages=$(grep -ac '/Type /Page$' night.pdf || true)
[ "$pages" -ge 5 ] || fail "only $pages pages on paper"
finish
