#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# `holt system kernel`, with packages as small as can be: that a real one boots is what vmrun-*.bats show.

load images

setup() { store_make; }
teardown() { store_finish; }

# package_make RELEASE: a package that is called as Debian's are.
package_make() {
        mkdir -p "pkg/DEBIAN" "pkg/boot" "pkg/lib/modules/$1/kernel"
        printf 'Package: linux-image-%s\nVersion: 1\nArchitecture: all\nMaintainer: holt <holt@example.org>\nDescription: none\n' "$1" >pkg/DEBIAN/control
        echo kernel >"pkg/boot/vmlinuz-$1"
        dpkg-deb -b pkg "$1.deb" >/dev/null
        rm -r pkg
}

@test "a kernel comes from its package, and is there once" {
        package_make 9.1-cloud
        mkdir -p "$STORE/vm/kernels/.new/of one that was killed"
        [ "$(holt system kernel 9.1-cloud.deb)" = 9.1-cloud ]
        [ "$(cat "$STORE/vm/kernels/9.1-cloud/boot/vmlinuz-9.1-cloud")" = kernel ]
        [ "$(holt system kernel "$PWD/9.1-cloud.deb")" = 9.1-cloud ]
        [ "$(ls -A "$STORE/vm/kernels")" = 9.1-cloud ]
}

@test "what is no kernel's package is refused, and leaves nothing" {
        run -1 holt system kernel /etc/hostname
        [[ $output == *dpkg-deb* ]]
        run -1 holt system kernel nowhere.deb
        [[ $output == *nowhere.deb* ]]
        mkdir -p empty/DEBIAN
        printf 'Package: none\nVersion: 1\nArchitecture: all\nMaintainer: holt <holt@example.org>\nDescription: none\n' >empty/DEBIAN/control
        dpkg-deb -b empty empty.deb >/dev/null
        run -1 holt system kernel empty.deb
        [[ $output == *"has no kernel"* ]]
        [ -z "$(ls -A "$STORE/vm/kernels")" ]
}
