# SPDX-License-Identifier: Apache-2.0
#
# What the tests of `run --vm` share, beside images.bash: a store with an image of busybox and a guest's kernel, and the
# processes of a machine. Where no hardware helps a boot takes seconds: one machine is there for several tests.
#
# shellcheck shell=bash

# machines_begin APPLET...: a store, and the tree of an image that has those programs, below $WORK/tree.
machines_begin() {
        local name
        if objdump -p "$BUILD/holt-agent" | grep -q NEEDED; then skip 'needs a static holt-agent'; fi
        store_make
        layer_tree "$WORK/tree"
        for name; do ln -sf busybox "$WORK/tree/bin/$name"; done
}

# The store has a kernel for guests, and load_store has it again in each test.
machines_keep() {
        mkdir -p "$STORE/vm"
        ln -s "$("$BATS_TEST_DIRNAME/../vm/guest-kernel")" "$STORE/vm/kernels"
        declare -p WORK STORE RUN HOME REGISTRY_AUTH_FILE HOLT PATH | sed 's/declare -[-a-z]*/declare -gx/' >"$BATS_FILE_TMPDIR/store"
}

# machines_make [APPLET...]: for setup_file, where an image of busybox is all that is needed.
machines_make() {
        machines_begin cat echo ls sleep sync true "$@"
        image_make box
        machines_keep
}

load_store() {
        # shellcheck disable=SC2034
        PIDS=()
        # shellcheck disable=SC1091
        source "$BATS_FILE_TMPDIR/store"
        cd "$WORK" || return
}

# For teardown_file: nothing is left of any machine.
machines_finish() {
        [[ -e $BATS_FILE_TMPDIR/store ]] || return 0
        load_store
        holt rm -f -a >/dev/null
        [[ -z $(ls "$RUN/instances") ]]
        no_machines
        store_finish
}

run_vm() { holt run --vm --network none "$@"; }
# The pids of holt-vm and of QEMU for an instance.
monitor_of() { holt inspect -f '{{.State.Pid}}' "$1"; }
qemu_of() { pgrep -P "$(pgrep -x -P "$(monitor_of "$1")" holt-guard)"; }
# QEMU's command line names nothing of ours: those whose parent is a holt-vm of this store's shims.
no_machines() { ! pgrep -f "^holt-shim run $STORE"; }
status_is() { [[ $(holt ps -a --filter "name=$1" --format '{{.Status}}') == "$2"* ]]; }
id_of() { holt inspect -f '{{.Id}}' "$1"; }
# Where that cgroup is, in all hierarchies.
cgroups_of() { find /sys/fs/cgroup -maxdepth 4 -type d -name "$1"; }
# limit_of PID FILE-OF-V1 FILE-OF-V2: of the cgroup in which that process stands.
limit_of() {
        local controller=${2%%.*} path
        path=$(sed -n "s/^[0-9]*:\([^:]*,\)\?$controller\(,[^:]*\)\?:/\//p" "/proc/$1/cgroup")
        if [[ -n $path ]]; then
                cat "/sys/fs/cgroup/$controller$path/$2"
        else
                cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")/$3"
        fi
}
logged() { holt logs "$1" 2>/dev/null | grep -q "$2"; }
