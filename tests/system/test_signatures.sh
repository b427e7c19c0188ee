#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Who signed a library: keys that are made, trusted and used; what is wrong is refused. Where
# minisign is installed, it and this read each other's files.

# shellcheck source=SCRIPTDIR/stage.sh
source "$(dirname "$0")/stage.sh"

mkdir p && chmod 700 p
cp "$SINS/echo.so" p/echo.so && chmod 700 p/echo.so
manifest() {
    cat >seam.yaml <<YAML
manifest: 1
store: {url: "sqlite:journal.db"}
${1:-}
plugins:
  echo: {path: p/echo.so}
YAML
}
manifest

claim "a pair of keys is made, and never written over"
try 0 seam plugins keygen --key alice.key
[ "$(stat -c %a alice.key)" = 600 ] || die "mode"
cp alice.key first.key
try 2 seam plugins keygen --key alice.key
rm alice.key
try 2 seam plugins keygen --key alice.key
[ ! -e alice.key ] || die "a half of a pair was made"
mv first.key alice.key
try 0 seam plugins keygen --json
holds '.key | test("^[0-9A-F]{16}$")'

claim "what is not signed is loaded, unless signatures are required"
try 0 seam plugins --static
says out 'not signed'
manifest 'signatures: required'
try 1 seam plugins --static
says out '`signatures: required`' 'p/echo.so is not signed' 'seam plugins sign'
try 4 seam plugins approve echo --yes
[ ! -e seam.lock ] || die "it was approved"

claim "a key that nobody trusts says nothing; one that is trusted has a name"
try 0 seam plugins sign p/echo.so --key alice.key
[ "$(sed -n 3p p/echo.so.minisig | tr '\t' ' ')" != "" ] || die "no comment"
try 1 seam plugins --static
says out 'signed by a key that is not trusted' 'seam plugins trust KEY.pub'
manifest
try 0 seam plugins --static
says out 'which is not trusted'
manifest 'signatures: required'
try 0 seam plugins trust alice.pub --who ops
try 0 seam plugins trust alice.pub --who other
holds_key() { jq -e '.trusted.alice.trusted_by == "ops"' seam.keys >/dev/null || die "keys"; }
holds_key
try 2 seam plugins trust seam.pub --name alice
says err 'another key is trusted as `alice`'
try 0 seam plugins --static
says out 'signed by alice (key '
try 0 seam plugins --static --json
holds '.[0].signed_by == "alice" and (.[0].key | length == 16)'
try 4 seam plugins approve echo </dev/null
says err 'it is signed by alice'

claim "the lock names the key; without its signature it is not what was approved"
try 0 seam plugins approve echo --yes --who ops
jq -e '.plugins.echo.signed_by == "alice" and (.plugins.echo.key | length == 16)' seam.lock >/dev/null || die "lock"
try 0 seam plugins
manifest
mv p/echo.so.minisig kept.minisig
try 1 seam plugins --static
says out 'it was signed by key'
mv kept.minisig p/echo.so.minisig
rm seam.lock

claim "a signature that is wrong is refused, whether one is wanted or not"
cp p/echo.so.minisig good.minisig
cp p/echo.so good.so
refused() {
    try 1 seam plugins --static
    says out "$@"
    cp good.minisig p/echo.so.minisig
}
printf 'x' >>p/echo.so
refused 'signed by key' 'and it was not'
cp good.so p/echo.so
sed -i '3s/plugin:/Plugin:/' p/echo.so.minisig
refused 'and it was not'
awk 'NR==2{c=substr($0,60,1); $0=substr($0,1,59) (c=="A"?"B":"A") substr($0,61)} 1' good.minisig >p/echo.so.minisig
refused 'and it was not'
awk 'NR==4{c=substr($0,60,1); $0=substr($0,1,59) (c=="A"?"B":"A") substr($0,61)} 1' good.minisig >p/echo.so.minisig
refused 'and it was not'
for n in 1 2 3; do
    head -n $n good.minisig >p/echo.so.minisig
    refused 'no signature of minisign'
done
: >p/echo.so.minisig
refused 'no signature of minisign'
head -c 9000 /dev/zero >p/echo.so.minisig
refused 'more than 8192 bytes'
rm p/echo.so.minisig && mkdir p/echo.so.minisig
try 1 seam plugins --static
says out 'no regular file'
rmdir p/echo.so.minisig && cp good.minisig p/echo.so.minisig
try 0 seam plugins --static

claim "secret keys that others may read, that are damaged or none are refused; so are keys that others may write"
chmod 644 alice.key
try 4 seam plugins sign p/echo.so --key alice.key
says err 'chmod 600'
chmod 600 alice.key
awk 'NR==2{c=substr($0,100,1); $0=substr($0,1,99) (c=="A"?"B":"A") substr($0,101)} 1' alice.key >bad.key && chmod 600 bad.key
try 2 seam plugins sign p/echo.so --key bad.key
says err 'damaged'
try 4 seam plugins sign p/echo.so --key alice.pub
try 2 seam plugins sign p/echo.so --key nobody.key
try 2 seam plugins trust alice.key
try 2 seam plugins trust alice.pub --name '7 up'
chmod 666 seam.keys
try 1 seam plugins --static
says out 'has mode 0666'
chmod 644 seam.keys
cp seam.keys kept.keys
for text in '{' '[]' '{"keys": 1, "trusted": {"a": {"key": "RWxx"}}}'; do
    echo "$text" >seam.keys
    try 1 seam plugins --static
    says out seam.keys
done
cp kept.keys seam.keys

if command -v minisign >/dev/null; then
    claim "minisign verifies what was signed here, and signs with this key what is loaded here"
    try 0 minisign -V -p alice.pub -m p/echo.so
    says out 'Signature and comment signature verified'
    rm p/echo.so.minisig
    try 0 minisign -S -s alice.key -m p/echo.so -t 'by minisign'
    try 0 seam plugins --static
    says out 'signed by alice'

    claim "a key of minisign's own is trusted, and signs"
    try 0 minisign -G -W -p bob.pub -s bob.key
    try 0 seam plugins trust bob.pub
    chmod 600 bob.key
    try 0 seam plugins sign p/echo.so --key bob.key
    try 0 minisign -V -p bob.pub -m p/echo.so
    try 0 seam plugins --static
    says out 'signed by bob'
fi
