#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What comes to a server that nobody invited: requests that can be read in two ways, that never end,
# that are too large, too many. Each is refused with its reason, and those with manners are served.
. "$(dirname "$0")/stage.sh"
. "$(dirname "$0")/serving.sh"

stage "$SINS/echo.so"
one_step act
echo 'flows: [one.yaml]' >>seam.yaml
serve

# raw STATUS: sends standard input as it is; the answer in out begins with the status, and says what
# is wrong as all do, whoever noticed it.
raw() {
    "$KNOCK" "$WEB" raw >out
    head -c 12 out | grep -q "^HTTP/1.1 $1" || die "$(head -n 1 out), not $1"
    [ "$1" -lt 400 ] || sed '1,/^\r$/d' out | jq -e ".status == $1 and (.detail | length > 20)" >/dev/null ||
        die "no problem: $(cat out)"
    rm -f err
}

JSON='Content-Type: application/json'

claim "what can be read in two ways is not read"
printf 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n' | raw 400
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n' | raw 400
says out 'more than one Host'
printf 'GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n' | raw 400
for framing in 'Content-Length: 5\r\nTransfer-Encoding: chunked' \
    'Transfer-Encoding: chunked\r\nContent-Length: 5' 'Content-Length: 2\r\nContent-Length: 2' \
    'Content-Length: 2\r\nContent-Length: 20' 'Content-Length : 2' 'Content-Length: +2' \
    'Content-Length: 0x2' 'Content-Length: -2' 'Transfer-Encoding: xchunked' \
    'Transfer-Encoding: gzip, chunked' 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity' \
    'Content-Length: 2\r\nX(y: z' 'Content-Length: 2, 2'; do
    # shellcheck disable=SC2059
    printf "POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n$JSON\r\n$framing\r\n\r\n0\r\n\r\n" | raw 400
done
printf 'POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n' \
    "$JSON" | raw 400
printf 'GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n' | raw 505
printf 'GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' | raw 400

claim "targets are names, not ways"
for target in /v1/runs/a%%00b /v1/runs/%%zz /v1/runs/%%f /v1/runs/%%ff%%fe '/v1/runs?status=%%00' \
    '/v1/runs?limit=0' '/v1/runs?limit=1e3' '/v1/runs?limit=1&limit=2' '/v1/runs?cursor=-1'; do
    # shellcheck disable=SC2059
    printf "GET $target HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" | raw 400
done
printf 'GET /v1/runs/\377\376 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' | raw 400
for target in /v1/runs/../../etc/passwd /v1/runs/..%%2f..%%2fetc%%2fpasswd //v1/runs /v1/runs/ \
    /v1/runs/a/events/b "/v1/runs/$(printf 'a%.0s' {1..300})" /./healthz; do
    # shellcheck disable=SC2059
    printf "GET $target HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" | raw 404
done
printf 'GET /%05000d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' 0 | raw 414
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: %0100000d\r\n\r\n' 0 | raw 431

printf 'GET /v1/flows/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' | raw 404
says out 'nothing is at `/v1/flows/`; ask without the slash at its end'
printf 'GET /v1/runs?status=odd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' | raw 400
says out '`status` is `odd`; expected running'

claim "a page of somebody else's in a browser here can do nothing"
printf 'GET /v1/runs HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n' | raw 403
printf 'GET /v1/runs HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\nConnection: close\r\n\r\n' | raw 403
printf 'GET /v1/runs HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n' | raw 403
printf 'GET /v1/runs HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n' | raw 403
printf 'GET /v1/runs HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n' | raw 403
for type in text/plain application/x-www-form-urlencoded 'multipart/form-data; boundary=a' application/jsonp; do
    printf 'POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 2\r\n\r\n{}' \
        "$type" | raw 415
done
printf 'OPTIONS /v1/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' | raw 405
lacks out Access-Control

claim "bodies are as they are, and have their limit, whatever they say of themselves"
printf 'POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}' \
    "$JSON" | raw 415
says out 'found `Content-Encoding: gzip`'
printf 'POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: %050d\r\n\r\n' "$JSON" 9 | raw 400
printf 'POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n' \
    "$JSON" | raw 413
printf 'POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: 8000000000\r\n\r\n{' "$JSON" | raw 413
says out 'limits.payload'
head -c 12000000 /dev/zero | tr '\0' x >large
ask 413 POST /v1/runs -H "$JSON" -H 'Transfer-Encoding: chunked' --data-binary @large
post 400 /v1/runs "$(printf '[%.0s' {1..2000})"
printf 'POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n%s\r\nConnection: close\r\nContent-Length: 4\r\n\r\n{\377\376}' \
    "$JSON" | raw 400

claim "requests in one go are answered in order"
{
    printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n%.0s' {1..100}
    printf 'GET /v1/flows HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
} | "$KNOCK" "$WEB" raw >out
[ "$(grep -c 'HTTP/1.1 200' out)" = 101 ] || die "$(grep -c 'HTTP/1.1 200' out) answers"
tail -n 1 out | grep -q '"flows"' || die "the last is not the last"

claim "who never ends a head is cut off in its time, and others are served meanwhile"
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ' | "$KNOCK" "$WEB" loris 200 >loris.out &
held() { curl -sS "$AT/metrics" >out && [ "$(awk '$1 == "seam_http_connections" {print $2}' out)" -ge 200 ]; }
await held
ask 200 GET /readyz
wait $!
jq -e '.opened == 200 and .closed == 200' loris.out >/dev/null || die "$(cat loris.out)"

claim "as many as come are told so, and the server lives"
"$KNOCK" "$WEB" many 10000 >out
holds '.kept <= 300 and .["429"] + .["503"] > 9000 and .failed < 500'
left() { curl -sS "$AT/metrics" >out && [ "$(awk '$1 == "seam_http_connections" {print $2}' out)" -le 3 ]; }
await left
post 201 /v1/runs '{"flow": "one", "id": "after"}'

claim "its memory is as it was"
ask 200 GET /metrics
memory=$(awk '$1 == "process_resident_memory_bytes" {print int($2 / 1048576)}' out)
[ "$memory" -lt 100 ] || sanitized || die "$memory MiB"
stop
[ "$GONE" = 0 ] || die "it ended with $GONE"
