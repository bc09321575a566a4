#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh [--keep] [--image FILE]: a disk's whole life with a running guest, on this machine.
#
# Installs what is missing, builds, starts `fairlead serve`, and shows: a volume is made, plugged into
# a running guest, written, snapshotted while the guest writes, grown, unplugged, cloned, and plugged
# into a second guest.  Everything is removed at the end, whatever happens; with --keep the service
# and the first guest stay.  --image boots a raw or qcow2 image of yours (a copy of it) instead of a small
# guest; what happens inside it is then yours to try.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=$root/build
fairlead=$build/fairlead
keep=
image=
work=
serve_pid=
commands=0
started=$(date +%s%N)
step_started=$started

usage()
{
	sed -n '3,10s/^# \{0,1\}//p' "$0"
	exit "$1"
}

while [ $# -gt 0 ]; do
	case $1 in
	--keep) keep=yes ;;
	--image)
		[ $# -gt 1 ] || usage 2 >&2
		image=$(readlink -f "$2")
		shift
		;;
	--help | -h) usage 0 ;;
	*) usage 2 >&2 ;;
	esac
	shift
done

# --- telling ----------------------------------------------------------------------------------

# The line of one step, with the time since the one before.
told()
{
	now=$(date +%s%N)
	printf '%-72s %6d.%d s\n' "$1" $(((now - step_started) / 1000000000)) \
		$(((now - step_started) / 100000000 % 10))
	step_started=$now
}

fail()
{
	echo "quickstart: $*" >&2
	exit 1
}

# --- cleaning up ------------------------------------------------------------------------------

stop_guests()
{
	for name in first second; do
		"$fairlead" vm stop "$name" --force >/dev/null 2>&1 || true
	done
}

cleanup()
{
	status=$?
	trap - EXIT INT TERM
	if [ "$status" -ne 0 ] && [ -n "$work" ]; then
		echo "quickstart: failed; the end of the logs:" >&2
		tail -n 15 "$work"/*.log >&2 2>/dev/null || true
	fi
	if [ -n "$work" ] && { [ -z "$keep" ] || [ "$status" -ne 0 ]; }; then
		stop_guests
		remove_volumes >/dev/null 2>&1 || true
		[ -z "$serve_pid" ] || kill "$serve_pid" 2>/dev/null || true
		[ -z "$serve_pid" ] || wait "$serve_pid" 2>/dev/null || true
		rm -rf "$work"
	fi
	exit "$status"
}

remove_volumes()
{
	for volume in data copy; do
		"$fairlead" volume unpublish "$volume" || true
		"$fairlead" volume delete "$volume"
	done
	"$fairlead" snapshot delete before-growth
}

# --- the parts of it --------------------------------------------------------------------------

# The command's standard error is shown when it fails.
quietly()
{
	"$@" >"$work/command.log" 2>&1 || {
		cat "$work/command.log" >&2
		fail "failed: $*"
	}
}

build_it()
{
	log=$(mktemp)
	if ! { cmake -S "$root" -B "$build" -G Ninja -DCMAKE_C_COMPILER_LAUNCHER=ccache &&
		cmake --build "$build"; } >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		rm -f "$log"
		fail "the build failed"
	fi
	rm -f "$log"
}

# The lists of apt may be missing or out of date.
make_guest()
{
	log=$(mktemp)
	"$here/guest.sh" "$build/guest" >"$log" 2>&1 || {
		apt-get update -qq
		"$here/guest.sh" "$build/guest" >"$log" 2>&1 || {
			cat "$log" >&2
			fail "there is no guest"
		}
	}
	rm -f "$log"
}

start_service()
{
	cat >"$work/fairlead.yaml" <<-END
		node: { id: $(hostname), disks: $FAIRLEAD_RUN/disks.sock, state: $FAIRLEAD_RUN/node }
		pools:
		  - { name: default, backend: file, directory: $work/volumes }
	END
	mkdir -p "$work/volumes" "$FAIRLEAD_RUN"
	"$fairlead" serve --config "$work/fairlead.yaml" >"$work/serve.log" 2>&1 &
	serve_pid=$!
	tries=0
	until [ -S "$FAIRLEAD_RUN/csi.sock" ]; do
		kill -0 "$serve_pid" 2>/dev/null || fail "fairlead serve ended"
		tries=$((tries + 1))
		[ $tries -lt 500 ] || fail "fairlead serve does not listen"
		sleep 0.02
	done
}

# Writes the specification of guest $1 and runs it in the background.
start_guest()
{
	{
		echo "name: $1"
		echo "memory: 512Mi"
		if [ -n "$image" ]; then
			echo "disks: [ { path: $work/$1.raw, boot: 1 } ]"
		else
			echo "kernel: $build/guest/vmlinuz"
			echo "initrd: $build/guest/initrd"
			echo 'cmdline: "console=ttyS0 quiet panic=-1 mitigations=off"'
		fi
	} >"$work/$1.yaml"
	[ -z "$image" ] || quietly qemu-img convert -O raw "$image" "$work/$1.raw"
	"$fairlead" vm run "$work/$1.yaml" >"$work/$1.log" 2>&1 &
	guest_pid=$!
	[ -n "$image" ] || wait_for_line "$1" '^guest ready' 120
	[ -z "$image" ] || wait_for_guest "$1"
}

# Waits until the processors of guest $1 run: nothing is known about what they do.
wait_for_guest()
{
	tries=0
	until "$fairlead" vm status "$1" 2>/dev/null | grep -q '^state  *running'; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || fail "guest $1 does not run"
		sleep 0.1
	done
}

# What the console of guest $1 has shown.
console()
{
	{ tr -d '\r' <"$FAIRLEAD_RUN/vms/$1/console.log"; } 2>/dev/null
}

# Waits until the console of guest $1 shows a line like $2, for at most $3 seconds.
wait_for_line()
{
	tries=0
	until console "$1" | grep -q "$2"; do
		tries=$((tries + 1))
		[ $tries -lt $(($3 * 10)) ] || fail "the console of guest $1 does not show \"$2\""
		sleep 0.1
	done
}

# Runs command $2 in guest $1 by its serial console; its last line of output is in $said.
# shellcheck disable=SC2016 # the guest's shell expands these
inside()
{
	commands=$((commands + 1))
	printf '%s; echo "end $((%d)) $?"\n' "$2" "$commands" |
		socat -u - "UNIX-CONNECT:$FAIRLEAD_RUN/vms/$1/console.sock"
	wait_for_line "$1" "^end $commands [0-9]" 60
	console "$1" | grep -q "^end $commands 0$" || fail "in guest $1 this failed: $2"
	said=$(console "$1" | grep -B 1 "^end $commands 0$" | head -n 1)
}

# Waits until command $2 succeeds in guest $1.
inside_until()
{
	inside "$1" "n=0; until $2; do n=\$((n+1)); [ \$n -lt 100 ] || break; sleep 0.1; done; $2"
}

# --- the story --------------------------------------------------------------------------------

prepare()
{
	"$here/install.sh" build run
	told "the packages are there"
	build_it
	told "fairlead is built"
	if [ -z "$image" ]; then
		make_guest
		told "a guest is there: Debian's cloud kernel and busybox"
	fi
}

life_of_a_disk()
{
	start_service
	told "fairlead serve is up, with one pool of files in a directory"
	quietly "$fairlead" volume create data --size 1Gi --block
	told "volume \"data\" of 1 GiB is made"
	start_guest first
	told "guest \"first\" runs"
	quietly "$fairlead" vm attach first data
	[ -n "$image" ] || inside_until first "[ -b /dev/sda ]"
	told "the disk is plugged in while it runs"
	[ -n "$image" ] || write_inside
	quietly "$fairlead" snapshot create data before-growth
	told "a snapshot is taken while the guest goes on writing"
	quietly "$fairlead" volume expand data --size 2Gi
	[ -n "$image" ] || inside_until first "grep -qx 4194304 /sys/block/sda/size"
	[ -n "$image" ] || inside first "touch /tmp/enough; wait"
	told "the disk has grown to 2 GiB, and the guest sees it"
}

# shellcheck disable=SC2016 # the guest's shell expands these
write_inside()
{
	inside first "mkfs.ext4 -q /dev/sda && mount /dev/sda /mnt"
	inside first "dd if=/dev/urandom of=/mnt/precious bs=1M count=16 2>/dev/null && sync"
	inside first "sha256sum </mnt/precious"
	checksum=$said
	inside first "(until [ -e /tmp/enough ]; do dd if=/dev/zero of=/mnt/more bs=64k count=64 conv=fsync 2>/dev/null; done) & sleep 0.1"
	told "the guest has made a file system, and writes"
}

unplug()
{
	[ -n "$image" ] || inside first "umount /mnt"
	quietly "$fairlead" vm detach first data
	[ -n "$image" ] || inside_until first "[ ! -e /sys/block/sda ]"
	told "the disk is unplugged: it is proven that nobody holds it"
}

clone()
{
	quietly "$fairlead" volume create copy --size 1Gi --block --from-snapshot before-growth
	told "volume \"copy\" is made from the snapshot"
	start_guest second
	told "guest \"second\" runs"
	quietly "$fairlead" vm attach second copy
	inside_until second "[ -b /dev/sda ]"
	inside second "mount /dev/sda /mnt"
	inside second "sha256sum </mnt/precious"
	[ "$said" = "$checksum" ] || fail "the clone holds $said, the original was $checksum"
	inside second "umount /mnt"
	quietly "$fairlead" vm detach second copy
	told "the clone, plugged into another guest, shows the same data"
}

remove_everything()
{
	quietly "$fairlead" vm stop first
	[ -n "$image" ] || quietly "$fairlead" vm stop second
	quietly remove_volumes
	kill "$serve_pid"
	wait "$serve_pid" || fail "fairlead serve did not end well"
	serve_pid=
	left=$(find "$work/volumes" -type f ! -path "$work/volumes/lock" ! -path "$work/volumes/reserve")
	[ -z "$left" ] || fail "left in the pool: $left"
	told "everything is removed, and nothing is left in the pool"
}

say_what_next()
{
	total=$((($(date +%s%N) - started) / 1000000000))
	printf '\nThat was all of it, in %d seconds. ' $total
	if [ -z "$keep" ]; then
		cat <<-END
			To try next:

			  deploy/quickstart.sh --keep   leaves the service and a guest running for you
			  build/fairlead help           says what else there is
			  build/fairlead doctor         checks this machine
			  docs/writing-a-backend.md     brings your own storage
			  tests/run.sh                  proves it all
		END
		return
	fi
	cat <<-END
		The service and guest "first" go on. To try next:

		  export FAIRLEAD_RUN=$FAIRLEAD_RUN
		  $fairlead volume list
		  $fairlead vm list
		  $fairlead vm console first           its shell; ends with Ctrl-]
		  $fairlead volume create more --size 5Gi --block
		  $fairlead vm attach first more

		To end it:

		  kill $guest_pid; tail --pid=$guest_pid -f /dev/null; kill $serve_pid; rm -r $work
	END
}

prepare
work=$(mktemp -d "${TMPDIR:-/tmp}/fairlead.XXXXXX")
export FAIRLEAD_RUN="$work/run"
trap cleanup EXIT
trap 'exit 130' INT TERM
step_started=$(date +%s%N)
life_of_a_disk
if [ -n "$keep" ]; then
	told "--keep: the disk stays plugged in"
else
	unplug
	[ -n "$image" ] || clone
	remove_everything
fi
say_what_next
