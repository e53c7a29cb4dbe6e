#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# holt compare: that its figures can be right (sums, what belongs to whom), and that it leaves nothing. Amounts are tiny:
# what is fast is the business of tests/bench.

load images

setup() {
        store_make
        layer_tree "$WORK/tree"
        for name in echo grep ls sleep true; do ln -sf busybox "$WORK/tree/bin/$name"; done
        image_make box
        IMAGES=$(holt images -aq)
}

teardown() {
        [[ $(holt images -aq) == "$IMAGES" ]]
        [[ -z $(holt ps -aq) ]]
        [[ -z $(ls "$STORE/compare") ]]
        [[ $(holt system check) == *'in order' ]]
        ! pgrep -f "^holt-shim run $STORE"
        store_finish
}

compare() { timeout 120 "$HOLT" --root "$STORE" --run "$RUN" compare --quiet --rounds 1 "$@" 3>&-; }
without_vm() { compare --no-vm "$@"; }

# got EXPRESSION...: hold of the JSON in the file of that name, in Python: r has the rows by (work, place).
got() {
        python3 - "$@" <<'END'
import json, sys
all_of_it = json.load(open("got"))
notes = " ".join(all_of_it["Notes"])
r = {(w["Name"], row["Place"]): row for w in all_of_it["Works"] for row in w["Rows"]}
rows = r.values()
for expression in sys.argv[1:]:
    if not eval(expression):
        for where, row in r.items():
            print(where, {k: v.get("Median", v) if isinstance(v, dict) else v for k, v in row.items()})
        sys.exit(f"not so: {expression}; notes: {notes}")
END
}

@test "the parts add up: times, processors, memory" {
        without_vm --amount 30 --workload cpu --format json >got
        # What the cgroup counts has the work's own count in it, and little beside; one thread has one processor.
        got 'sorted(r) == [("cpu", "bare"), ("cpu", "container")]' \
                'all(x["Start"]["Median"] + x["Work"]["Median"] <= x["Whole"]["Median"] for x in rows)' \
                'all(x["CPU"]["Median"] == sum(x["CPUParts"].values()) for x in rows)' \
                'all(x["Memory"]["Median"] == sum(x["MemoryParts"].values()) > 0 for x in rows)' \
                'all(5e6 < x["CPUOfWork"] <= x["Work"]["Median"] * 1.1 + 2e7 for x in rows)' \
                'all(x["CPUOfWork"] < x["CPUParts"]["Program"] + 5e6 for x in rows)' \
                'all(x["CPUParts"]["Program"] < x["CPUOfWork"] * 1.2 + 2e7 for x in rows)' \
                'r["cpu", "bare"]["CPUParts"]["Shim"] == r["cpu", "bare"]["CPUParts"]["Command"] == 0' \
                'r["cpu", "container"]["CPUParts"]["Shim"] > 0 < r["cpu", "container"]["CPUParts"]["Command"]' \
                'r["cpu", "container"]["MemoryParts"]["Shim"] > 0'
}

@test "each work is done, the same everywhere, and seen where it should be" {
        without_vm --amount 1 --format json >got
        got 'len(r) == 12' '"not the same" not in notes' \
                'all(r["memory", p]["Memory"]["Median"] > 64 << 20 for p in ("bare", "container"))' \
                'all(r["files", p]["Disk"]["Median"] > 100000 for p in ("bare", "container"))' \
                'r["cpu", "bare"]["Disk"]["Median"] == 0' \
                'all(r["cpu", p]["MemoryParts"]["Program"] < 4 << 20 for p in ("bare", "container"))'
}

@test "a table, a page, errors of the command line" {
        run --separate-stderr without_vm --amount 1 --workload syscalls --html page.html
        [[ ${lines[0]} == *processor*"Linux $(uname -r)"* ]]
        [[ $output == *START*'bare '*' ms '*'container '*' ms x'* ]]
        python3 - <<'END'
import html.parser
opened = []
class Page(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "img"), tag
        if tag not in ("meta", "br"):
            opened.append(tag)
    def handle_endtag(self, tag):
        assert opened.pop() == tag, tag
text = open("page.html").read()
Page().feed(text)
assert not opened, opened
assert "<svg" in text and "<table" in text and "prefers-color-scheme: dark" in text
END
        run -125 holt compare --workload nothing
        run -125 holt compare --rounds 0
        run -125 holt compare --format xml
        run -125 holt compare --workload cpu box true
        run -1 holt compare --no-vm /no/image
}

@test "a program of an image: with its files everywhere, and confined on the host" {
        without_vm --format json box -- sh -c 'cat /bin/busybox /bin/busybox >/copy' >got
        got 'sorted(r) == [("command", "bare"), ("command", "container")]' \
                "all(0 <= x['Disk']['Median'] - 2 * $(stat -c %s tree/bin/busybox) < 65536 for x in rows)"
        run -1 without_vm box /no/such
        [[ $output == *'bare: the work ended with 127: /no/such: No such file or directory' ]]
        echo secret >of-the-host
        run -1 without_vm box sh -c "cat $WORK/of-the-host; exit 5"
        [[ $output == *'bare: the work ended with 5: '*'No such file or directory' ]]
        # All that it could kill is itself.
        run -1 without_vm box sh -c 'kill -9 -1; echo alone $(ls /proc | grep -c "^[0-9]") >&2; exit 5'
        [[ $output == *'ended with 5: alone '[2-5] ]]
        run -1 without_vm box sh -c 'grep -E "^(CapBnd|NoNewPrivs)" /proc/self/status >/s; echo $(cat /s) >&2; exit 5'
        [[ $output == *'CapBnd: 00000000800001fb'*'NoNewPrivs: 1' || $output == *'NoNewPrivs: 1'*'CapBnd: 00000000800001fb' ]]
        run -1 without_vm box sh -c 'echo $(ls /sys /etc/hosts /dev 2>&1) >&2; exit 5'
        [[ $output == *'/etc/hosts: No such file'*'/dev: full null random urandom zero /sys:' ]]
}

# begin PROGRAM...: a comparison that does not end, as $pid. Not a function's: its pid would be a shell's.
begin() {
        "$HOLT" --root "$STORE" --run "$RUN" compare --no-vm box "$@" 2>/dev/null 3>&- &
        pid=$!
        PIDS+=("$pid")
        wait_for 10 pgrep -f "^sleep 77$$"
}

ends_with() { # STATUS
        local status=0
        wait "$pid" || status=$?
        [ "$status" = "$1" ] || { echo "ended with $status"; return 1; }
}

@test "interrupted, nothing stays; what a killed one has left goes with the next" {
        local pid in_container="ls /sys/kernel >/dev/null 2>&1 || exit 0; exec sleep 77$$"
        begin sleep "77$$"
        kill -INT "$pid"
        ends_with 130
        [[ -z $(pgrep -f "^sleep 77$$") ]]
        begin sh -c "$in_container"
        [[ -n $(holt ps -q) ]]
        kill -TERM "$pid"
        ends_with 143
        [[ -z $(holt ps -aq) ]]
        begin sh -c "$in_container"
        kill -KILL "$pid"
        ends_with 137
        [[ -n $(ls "$STORE/compare") ]]
        without_vm --amount 1 --workload syscalls box >/dev/null
        # With another image than the one that was left.
        without_vm box true >/dev/null
}

@test "a virtual machine: QEMU is counted, what it wrote too, and who runs its instructions is said" {
        if objdump -p "$BUILD/holt-agent" | grep -q NEEDED; then skip 'needs a static holt-agent'; fi
        mkdir -p "$STORE/vm/kernels"
        run --separate-stderr compare --amount 1 --workload syscalls
        [[ $output == *'virtual machines are left out: '* || -n $(compgen -G '/lib/modules/*cloud*') ]]
        rmdir "$STORE/vm/kernels"
        ln -s "$("$BATS_TEST_DIRNAME/../vm/guest-kernel")" "$STORE/vm/kernels"
        compare --amount 1 --workload files --format json >got
        got 'sorted(p for _, p in r) == ["bare", "container", "vm", "vm-cold"]' \
                'all_of_it["Accelerator"] in ("kvm", "tcg") and all_of_it["AcceleratorReason"]' \
                '"not the same" not in notes' \
                'all(x["CPU"]["Median"] == sum(x["CPUParts"].values()) for x in rows)' \
                'all(r["files", p]["CPUParts"]["Machine"] > 1e7 for p in ("vm", "vm-cold"))' \
                'all(r["files", p]["MemoryParts"]["Machine"] > 16 << 20 for p in ("vm", "vm-cold"))' \
                'all(r["files", p]["MemoryParts"]["Monitor"] > 0 for p in ("vm", "vm-cold"))' \
                'all(r["files", p]["Disk"]["Median"] > 100000 for p in ("vm", "vm-cold"))' \
                'r["files", "vm"]["Start"]["Median"] < r["files", "vm-cold"]["Start"]["Median"]'
        HOLT_VM_POOL=1 compare --amount 1 --workload syscalls --format json >got
        got '"left out" not in notes' 'r["syscalls", "vm-warm"]["MemoryParts"]["Machine"] > 16 << 20' \
                '0 < r["syscalls", "vm-warm"]["CPUParts"]["Machine"] < r["syscalls", "vm-cold"]["CPUParts"]["Machine"]' \
                'r["syscalls", "vm-warm"]["Start"]["Median"] < r["syscalls", "vm-cold"]["Start"]["Median"]' \
                'all(x["CPU"]["Median"] == sum(x["CPUParts"].values()) for x in rows)'
        nobody_waits() { [[ -z $(ls "$RUN/vm-pool/instances") ]]; }
        wait_for 10 nobody_waits
}
