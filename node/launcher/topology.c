/* SPDX-License-Identifier: Apache-2.0 */
#include "topology.h"

#define GIB ((uint64_t)1 << 30)
#define TOPOLOGY_LOW_MEMORY (2 * GIB)
#define TOPOLOGY_PCI_WINDOW (32 * GIB)
#define TOPOLOGY_AMD_RESERVED (1012 * GIB)

static unsigned topology_bits(uint64_t values)
{
	unsigned bits = 0;

	while (((uint64_t)1 << bits) < values)
		bits++;
	return bits;
}

uint64_t topology_apic_top(uint64_t cpus, uint64_t sockets)
{
	uint64_t cores = cpus / sockets;

	return ((sockets - 1) << topology_bits(cores)) + cores - 1;
}

unsigned topology_phys_bits(uint64_t memory_bytes)
{
	uint64_t above =
		memory_bytes > TOPOLOGY_LOW_MEMORY ? memory_bytes - TOPOLOGY_LOW_MEMORY : 0;
	uint64_t top = 4 * GIB + above + TOPOLOGY_PCI_WINDOW;
	unsigned bits;

	if (top >= TOPOLOGY_AMD_RESERVED)
		top += 1024 * GIB - 4 * GIB;
	bits = topology_bits(top);
	return bits < 40 ? 40 : bits;
}
