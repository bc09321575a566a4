/* SPDX-License-Identifier: Apache-2.0 */
/* Topology: how a number of processors and an amount of memory fit the q35 machine.  Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The largest APIC id that the machine works with without x2APIC and an IOMMU. */
#define TOPOLOGY_APIC_MAX 254

/* The largest APIC id of `cpus` processors in `sockets` sockets, one thread a core; each level
 * takes a power of two of ids.  `sockets` divides `cpus`; both are at least 1. */
uint64_t topology_apic_top(uint64_t cpus, uint64_t sockets);

/* Address bits that a guest with this much memory needs, at least 40: the machine has its memory
 * hole below 4 GiB and a 64-bit PCI window above the memory, and for AMD processors everything
 * above 4 GiB moves past 1 TiB when it would reach the reserved range below that. */
unsigned topology_phys_bits(uint64_t memory_bytes);
