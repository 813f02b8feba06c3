// Where frames went, by their addresses: a memory of the rules, never one of them.
//
// Rules are looked up in hash tables, which is most of what a short frame costs. What an untagged frame for one port
// came to is remembered for as long as the rules are the same.

#pragma once

#include "eswitch_rules.h"

// Of the rules whose answers may be repeated. It is written before the slot: a rule of an older set says its own
// generation, so what it says meanwhile is not taken for an answer of these.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} generation SEC(".maps");

// What became of a frame.
struct memory {
	__u64 generation; // of the rules that said so; 0: nothing is remembered
	__u32 ifindex; // of the link that it came in by
	__u32 addresses[3];
	__u32 longest; // octets of a frame, without tags, of which the same holds
	__u16 from;
	__u16 to;
};

enum { MEMORIES = 256 };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEMORIES);
	__type(key, __u32);
	__type(value, struct memory);
} memories SEC(".maps");

static __always_inline struct memory *memory_of(const struct frame *frame)
{
	__u32 mixed = frame->addresses[1] * 0x9e3779b1 ^ frame->addresses[2];
	__u32 at = mixed * 0x85ebca6b >> 24; // one of MEMORIES, by the upper bits of a product

	return bpf_map_lookup_elem(&memories, &at);
}

// Untagged, to one port.
static __always_inline void remember(__u32 ifindex, __u32 from, __u32 to, const struct rule *rule,
				     const struct frame *frame)
{
	struct memory *memory = memory_of(frame);

	if (!memory)
		return;
	memory->generation = rule->generation;
	memory->ifindex = ifindex;
	for (int word = 0; word < 3; word++)
		memory->addresses[word] = frame->addresses[word];
	memory->longest = rule->longest;
	memory->from = from;
	memory->to = to;
}

// What became of a frame like this one by the rules in effect.
static __always_inline const struct memory *recall(__u32 ifindex, const struct frame *frame)
{
	const struct memory *memory = memory_of(frame);
	__u32 only = 0;
	__u64 *now = bpf_map_lookup_elem(&generation, &only);

	if (!memory || !now || frame->tags || memory->generation != *now || memory->ifindex != ifindex ||
	    frame->longest > memory->longest)
		return 0;
	for (int word = 0; word < 3; word++)
		if (memory->addresses[word] != frame->addresses[word])
			return 0;
	return memory;
}
