#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Debian packages: what is in them, what they ask for, and that a Seam which is unpacked from
# them into an empty folder makes, builds and runs a plugin with nothing of the source tree.
# `./dev package --try` installs them into a fresh Debian.
. "$(dirname "$0")/stage.sh"
unset DESTDIR MAKEFLAGS CFLAGS CXXFLAGS LDFLAGS PKG_CONFIG_PATH

for tool in cpack dpkg-deb dpkg-shlibdeps pkg-config; do
    command -v "$tool" >/dev/null || { echo "skipped: there is no $tool" && exit 77; }
done
if sanitized; then
    echo "skipped: what is shipped is not sanitized"
    exit 77
fi

claim "cpack makes three packages"
try 0 cpack --config "$BUILD/CPackConfig.cmake" -B "$STATE/packages"
packages=("$STATE"/packages/*.deb)
[ "${#packages[@]}" = 3 ] || die "there are ${packages[*]}"
host=$(echo "$STATE"/packages/seam_*.deb)
dev=$(echo "$STATE"/packages/seam-plugin-dev_*_all.deb)
plugins=$(echo "$STATE"/packages/seam-plugins_*.deb)

claim "each asks for the libraries that it needs, those it opens late too"
dpkg-deb -f "$host" Depends >out
says out libc6 libsqlite3-0 libuv1 libelf1 libsodium23 libpcre2-8-0 libyaml-0-2 libcurl4 libmicrohttpd12
dpkg-deb -f "$plugins" Depends >out
says out libc6
dpkg-deb -f "$dev" Depends >out
lacks out libc6 libuv1

claim "each has its files, owned by root, and none has another's"
for package in "${packages[@]}"; do
    dpkg-deb -c "$package" >out
    ! grep -v ' root/root ' out || die "not root's"
    awk '$1 !~ /^d/ { print $6 }' out
done | sort >files
[ -z "$(uniq -d files)" ] || die "in two packages: $(uniq -d files)"
says files ./usr/bin/seam ./usr/bin/seam-worker ./usr/share/man/man1/seam.1 \
    ./usr/share/bash-completion/completions/seam ./usr/lib/systemd/system/seam.service \
    ./usr/include/seam/plugin.h ./usr/share/pkgconfig/seam-plugin.pc ./usr/lib/seam/plugins/hello.so \
    ./usr/share/seam/templates/plugin/card.json
! grep -vE '^\./usr/(bin|include/seam|lib/(seam|systemd)|share)/' files || die "files astray"

claim "the unit names the program where the package puts it"
for package in "${packages[@]}"; do dpkg-deb -x "$package" root; done
says root/usr/lib/systemd/system/seam.service 'ExecStart=/usr/bin/seam serve'

claim "nothing in them knows where they were made"
! grep -rIlF -e "$BUILD" -e "$SOURCE" root || die "a path of the machine"

claim "unpacked somewhere, it makes a plugin, builds it and runs flows"
mkdir work
(cd work && PATH=$STATE/root/usr/bin:$PATH sh "$SOURCE/tests/system/installed.sh") >out 2>err ||
    die "installed.sh failed"
says out 'tickets/ is made' 'worker: greeted' 'in-process: greeted' '3 passed, 0 failed' \
    "$STATE/root/usr/lib/seam/plugins/hello.so" 'an installed Seam works'

if [ "$(id -u)" = 0 ]; then
    claim "dpkg takes them into an empty root, and takes them out again"
    mkdir -p bare/var/lib/dpkg/{info,updates}
    touch bare/var/lib/dpkg/{status,available}
    # nothing is there that they depend on: what is tried is what they bring
    try 0 dpkg --root="$STATE/bare" --force-depends --force-script-chrootless --log=/dev/null \
        -i "${packages[@]}"
    [ -x bare/usr/bin/seam ] || die "it is not there"
    try 0 dpkg --root="$STATE/bare" --force-depends --log=/dev/null -P seam seam-plugin-dev seam-plugins
    [ ! -e bare/usr/bin/seam ] || die "it is still there"
fi
