#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# system prune, df and check where there are instances and volumes.

load images

setup() {
        store_make
        image_make box
}

teardown() {
        holt rm --force --all >/dev/null
        store_finish
}

is() { # GOT EXPECTED
        [ "$1" = "$2" ] || { printf 'got:\n%s\nexpected:\n%s\n' "$1" "$2"; return 1; }
}

made() { holt create --network none "$@" >/dev/null; }

names() { holt ps -a --format '{{.Names}}' | sort | xargs; }

@test "system prune: what does not run goes, and what it alone had" {
        holt tag box other
        made --name off -v both:/a -v off:/b box true
        holt run -d --network none --name on -v both:/a other sh -c 'sleep 100; true' >/dev/null
        holt run --network none --name ended -v ended:/a box sh -c 'echo >/file'
        id=$(holt inspect -f '{{.Id}}' off)
        run -0 holt system prune --volumes --dry-run
        is "$(awk '{ print $1, $NF }' <<<"$output" | sort)" "$(printf 'instance ended\ninstance off\nvolume ended\nvolume off')"
        is "$(names)" 'ended off on'
        run -125 holt system prune
        [[ $output == *'--force says yes'* ]]
        is "$(names)" 'ended off on'
        run -0 holt system prune --force
        [[ $output == *'Deleted Containers:'*"$id"*'Total reclaimed space: '* && $output != *Volumes* ]]
        is "$(names)" on
        is "$(holt images --format '{{.Repository}}' | sort | xargs)" 'box other'
        run -0 holt system prune --force --volumes
        [[ $output == *'Deleted Volumes:'*ended* ]]
        is "$(echo "$STORE"/volumes/*)" "$STORE/volumes/both"
        run -0 holt system check
}

@test "system prune -a: images that only those had who go" {
        image=$(holt images -q)
        made --name off box true
        run -0 holt image prune -a --dry-run
        is "$output" ''
        run -0 holt system prune -a --dry-run
        [[ $output == *"instance "*off*"image    $image"* ]]
        run -0 holt system prune -af
        [[ $output == *'untagged: box:latest'* ]]
        is "$(holt images -q)" ''
        is "$(find "$STORE/layers" -type f)" ''
}

@test "system prune: filters" {
        made --name red --label color=red box true
        made --name blue --label color=blue box true
        run -0 holt system prune -f --filter label=color=red
        is "$(names)" blue
        run -0 holt system prune -f --filter until=1h
        is "$(names)" blue
        run -125 holt system prune -f --volumes --filter until=1h
        run -0 holt system prune -f --filter 'label!=color'
        is "$(names)" blue
}

@test "system df: instances and volumes" {
        made --name off -v data:/a box true
        holt run -d --network none --name on -v data:/a box sh -c 'head -c 300000 /dev/zero >/a/zeros
                head -c 200000 /dev/zero >/zeros; sleep 100' >/dev/null
        written() { [ -n "$(find "$STORE"/instances -name zeros)" ]; }
        wait_for 5 written
        holt system df --format json >out
        jq -es 'map({(.Type): .}) | add | .Containers.TotalCount == "2" and .Containers.Active == "1" and
                .["Local Volumes"].TotalCount == "1" and .["Local Volumes"].Active == "1"' out
        is "$(jq -r 'select(.Type == "Images") | .Active' out)" 1
}

@test "system check: an image that is kept for nobody, and an instance without one" {
        made --name off box true
        run -0 holt system check
        is "$output" 'The store is in order'
        cp -r "$STORE/instances" kept
        id=$(holt inspect -f '{{.Id}}' off)
        rm -r "$STORE/instances/$id" "$STORE/instances/off"
        run -1 holt system check
        is "$output" "an image is kept for instance ${id:0:12}, which is not there"
        run -0 holt system check --repair
        run -0 holt system prune -af
        run -0 holt system check
        rm -r "$STORE/instances"
        cp -r kept "$STORE/instances"
        run -1 holt system check
        [[ $output == 'instance off stands on image sha256:'*', which is not there: pull box, or remove it' ]]
        holt rm off
        run -0 holt system check
}

@test "templates of machines: what is damaged is found, and goes; what a killed maker left goes" {
        booted=$STORE/vm/templates/$(printf '%064d' 1)
        mkdir -p "$booted" "$STORE/vm/templates/part" "$STORE/templates/.part" "$STORE/templates/mine"
        head -c 50000 /dev/zero | tr '\0' x >"$booted/memory"
        run -1 holt system check
        is "$output" "$(printf '%s\n' "the template 000000000000 of a booted machine is damaged: its manifest cannot be read" \
                'template mine: read template mine: No such file or directory: holt template rm mine removes it')"
        [ ! -e "$STORE/vm/templates/part" ]
        [ ! -e "$STORE/templates/.part" ]
        is "$(holt system df --format json | jq -r 'select(.Type == "Machine Templates") | .TotalCount + .Active')" 10
        run -0 holt system prune --dry-run
        [[ $output =~ ^'  template '0+1'  '[1-9] ]]
        is "$(holt system prune --dry-run --filter until=1h)" "$output"
        is "$(holt system prune --dry-run --filter label=x)" ''
        run -1 holt system check --repair
        [[ $output == *'damaged: its manifest cannot be read (repaired)'$'\n'*' removes it' ]]
        [ ! -e "$booted" ]
        mkdir "$booted"
        run -0 holt system prune -f
        [[ $output == *"Deleted Machine Templates:"$'\n'"${booted##*/}"* ]]
        holt template rm mine
        run -0 holt system check
        is "$output" 'The store is in order'
}

@test "rmi --dry-run: what would go is said as it would be, and stays" {
        holt tag box other
        holt tag box third
        # Without how long ago: that changes.
        listed() { holt images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}'; }
        before=$(find "$STORE" -type f | sort; listed)
        run -0 holt rmi --dry-run box other
        is "$output" $'Untagged: box:latest\nUntagged: other:latest'
        run -0 holt rmi --dry-run box other third
        [[ $output == $'Untagged: box:latest\nUntagged: other:latest\nUntagged: third:latest\nDeleted: sha256:'* ]]
        run -1 holt rmi --dry-run box box
        [[ $output == *'no such image: box'* ]]
        run -1 holt rmi --dry-run "$(holt images -q box)"
        [[ $output == *'several names'* ]]
        run -0 holt rmi -f --dry-run nowhere
        is "$output" ''
        is "$(find "$STORE" -type f | sort; listed)" "$before"
        made --name needs box true
        holt rmi other third
        run -1 holt rmi --dry-run box
        [[ $output == *'is used by instance needs'* ]]
        holt rm needs
        holt rmi box
        is "$(holt images -q)" ''
}

@test "container prune: volumes without a name stay, as nobody said that they go" {
        made --name old -v /data box sh -c :
        holt start -a old
        is "$(holt volume ls -q | wc -l)" 1
        run -0 holt container prune -f
        is "$(names)" ''
        is "$(holt volume ls -q | wc -l)" 1
        run -0 holt volume rm --dry-run -f nowhere
        run -1 holt volume rm --dry-run nowhere
}

@test "events: of exec, images, networks and prunes, and none of a rehearsal" {
        told() { holt events --since 1h --stream=false --format "$1" "${@:2}"; }
        holt run -d --network none --name runs --label stage=test --label image=no box sh -c 'sleep 100; true' >/dev/null
        holt exec runs sh
        run -3 holt exec runs sh -c 'exit 3'
        run -127 holt exec runs /no/such
        is "$(told '{{.Action}}' --filter event=exec_create | sort)" $'exec_create: /no/such\nexec_create: sh\nexec_create: sh -c exit 3'
        is "$(told '{{.Actor.Attributes.exitCode}} {{.Actor.Attributes.name}} {{.Actor.Attributes.image}}' --filter event=exec_die | tail -n 1)" '3 runs box'
        is "$(told '{{.Actor.Attributes.execID}}' --filter 'event=exec_start' --filter event=exec_die --filter event=exec_create | sort -u | wc -l)" 3
        is "$(told '{{.Action}}' --filter label=stage=test --filter event=create --filter event=start | xargs)" 'create start'
        holt restart -t 0 runs
        holt top runs >/dev/null
        is "$(told '{{.Action}}' --filter event=restart --filter event=top | xargs)" 'restart top'
        holt tag box other:2
        holt rmi --dry-run other:2 >/dev/null
        holt rmi other:2
        holt save -o saved box
        holt load -q -i saved >/dev/null
        is "$(told '{{.Action}}' --filter type=image | xargs)" 'import tag untag save load'
        is "$(told '{{.Actor.Attributes.name}}' --filter event=tag)" other:2
        holt network create gone >/dev/null
        holt volume create >/dev/null
        holt network prune -f
        holt volume prune -f
        holt rm -f runs
        holt system prune -f -a
        is "$(told '{{.Type}}' --filter event=prune | sort | uniq -c | xargs)" '1 container 1 image 2 network 1 volume'
        is "$(told '{{.Action}}' --filter type=image --filter event=delete | xargs)" delete
        [ "$(told '{{.Actor.Attributes.reclaimed}}' --filter type=image --filter event=prune)" -gt 0 ]
}

@test "networks: system prune takes those of nobody, df counts them, check misses them" {
        local n
        for n in used old free; do holt network create --label which=$n $n >/dev/null; done
        made --name old box true
        holt create --network used --name on box sh -c 'sleep 100; true' >/dev/null
        holt create --network old --name off box true >/dev/null
        is "$(holt system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | grep Networks)" 'Networks 3 2'
        run -0 holt network prune --dry-run
        [[ $output =~ ^'  network  '[0-9a-f]{12}'  free'$ ]]
        # Instances that go take their networks along.
        run -0 holt system prune --dry-run --filter label!=no-such
        is "$(awk '$1 == "network" { print $NF }' <<<"$output" | xargs)" 'free old used'
        run -0 holt system prune --dry-run --filter label=which=free
        is "$(awk '{ print $1, $NF }' <<<"$output")" 'network free'
        run -125 holt system prune
        run -0 holt system prune -f --filter label=which=free
        [[ $output == *$'Deleted Networks:\nfree'* ]]
        is "$(holt network ls -q --filter type=custom | wc -l)" 2
        rm "$STORE/networks/used"
        run -1 holt system check
        is "$output" 'instance on wants network used, which is not there: create it, or remove the instance'
        mkdir -p "$RUN/endpoints"
        n=$(printf '%064d' 7)
        echo "{\"id\": \"$n\", \"name\": \"x\"}" >"$RUN/endpoints/$n"
        holt rm on
        run -1 holt system check
        is "$output" 'addresses are kept for instance 000000000000, which does not run'
        run -0 holt system check --repair
        run -0 holt system check
        echo '{' >"$STORE/networks/broken"
        run -1 holt system check
        [[ $output == *'network broken'* ]]
        rm "$STORE/networks/broken"
        holt system prune -f
        is "$(holt network ls -q --filter type=custom)" ''
}
