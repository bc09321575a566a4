#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# each-syscall.sh DISKLIFE BACKEND DIRECTORY FAULT: a disk's life is begun again and again, and each
# time the next of its system calls that change something meets the FAULT (signal=KILL or error=EIO).
# Asked again, the life completes, or its removal alone does, and nothing is left in DIRECTORY.
set -eu
disklife=$1 backend=$2 directory=$3 fault=$4

if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
	echo "1..0 # SKIP needs strace"
	exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# attempt SYSCALL N STEPS: runs the steps; false when their Nth SYSCALL met the fault.
attempt() {
	LSAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$log" -e "trace=$1" \
		-e "inject=$1:$fault:when=$2" "$disklife" "$backend" "$directory" "$3" \
		2>/dev/null && ! grep -q INJECTED "$log" && ! grep -q 'killed by' "$log"
}

# work STEPS: true when the steps work without a fault.
work() {
	"$disklife" "$backend" "$directory" "$1"
}

complain() {
	echo "# after $1 number $2 of $3: $(tail -n 3 "$log" | tr '\n' ';')"
	echo "not ok 1 - each system call may meet $fault"
	echo "1..1"
	exit 1
}

calls=0
for syscall in mkdirat renameat renameat2 unlinkat ftruncate linkat copy_file_range fsync write; do
	n=1
	while ! attempt $syscall $n make; do
		if [ $((n % 2)) = 0 ]; then
			if ! work make || ! work check; then complain $syscall $n make; fi
		fi
		work remove || complain $syscall $n make
		n=$((n + 1))
	done
	calls=$((calls + n - 1))
	n=1
	while ! attempt $syscall $n remove; do
		work remove || complain $syscall $n remove
		if ! work make || ! work check; then complain $syscall $n remove; fi
		n=$((n + 1))
	done
	calls=$((calls + n - 1))
	work remove || complain $syscall $n remove
done

echo "# $calls calls met it"
[ $calls -ge 20 ] || complain "too few calls:" $calls "all steps"
echo "ok 1 - each system call may meet $fault"
echo "1..1"
