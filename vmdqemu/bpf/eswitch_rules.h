// The rules that datapath/eswitch_rules.py writes down, and how a frame's is found.

#pragma once

#include "eswitch_ports.h"

enum { OTHER_VLAN = 0x1001 };
enum { TO_ADDRESS, TO_UNICAST, TO_GROUP, SENDER, SOURCE, MEMBER, OWNERS };
enum { HASHED = 1 };

struct key {
	__u8 kind;
	__u8 port; // of SENDER, SOURCE and MEMBER; HASHED of TO_UNICAST and TO_GROUP
	__u16 vlan; // a VID as it is tagged, UNTAGGED, or OTHER_VLAN where there is no rule for that one
	__u8 mac[6];
	__u16 pad; // whole words are hashed faster
};

struct ways {
	__u64 vfs; // one bit each
	__u8 pf;
	__u8 wire;
	__u8 drop; // why there are none
	__u8 pad[5];
};

enum {
	CHECKS_SOURCE = 1,
	CHECKS_VLAN = 2,
	TAKES_NO_TAG = 4,
	INSERTS_TAG = 8,
	HEARS_ITSELF = 16,
	SILENT = 32,
	HASHES = 64,
	PRUNES = 128,
};

struct rule {
	struct ways from_wire; // of TO_*, like the next; of OWNERS the VFs that have an address
	struct ways inside; // of SENDER: why it does not get its own frame
	__u64 stripped; // VFs that see no tag
	__u32 longest; // octets of a frame, tags apart
	__u16 flags;
	__u16 tci; // of SENDER; of TO_UNICAST and TO_GROUP how far an address is shifted to be hashed
	__u8 source[6]; // one of those that SENDER may use; if there are others SOURCE has them
	__u16 pad;
	__u64 generation; // of the set; never 0
};

enum { MAX_RULES = 16384 };

struct rules {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_RULES);
	__uint(key_size, sizeof(struct key));
	__uint(value_size, sizeof(struct rule));
};

// A whole set is written beside the one in effect, and takes effect with one write into the slot.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct rules);
} slot SEC(".maps");

static __always_inline void *rules_in_effect(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&slot, &only);
}

// Nobody's address, or one that a chip's hash table takes: 12 bits of the last two octets.
static __always_inline struct rule *find_stranger(void *rules, const struct frame *frame)
{
	struct key key = { .kind = frame->group ? TO_GROUP : TO_UNICAST, .vlan = frame->vlan };
	struct rule *found = bpf_map_lookup_elem(rules, &key), *hashed;
	__u32 hash;

	if (!found) {
		key.vlan = OTHER_VLAN;
		found = bpf_map_lookup_elem(rules, &key);
	}
	if (!found || !(found->flags & HASHES))
		return found;
	hash = (frame->destination[5] << 8 | frame->destination[4]) >> (found->tci & 7) & 0xfff;
	key.port = HASHED;
	key.mac[0] = hash;
	key.mac[1] = hash >> 8;
	hashed = bpf_map_lookup_elem(rules, &key);
	return hashed ? hashed : found;
}

static __always_inline struct rule *find(void *rules, const struct frame *frame)
{
	struct key key = { .kind = TO_ADDRESS, .vlan = frame->vlan };
	struct rule *found;

	__builtin_memcpy(key.mac, frame->destination, 6);
	found = bpf_map_lookup_elem(rules, &key);
	if (found)
		return found;
	key.vlan = OTHER_VLAN;
	found = bpf_map_lookup_elem(rules, &key);
	return found ? found : find_stranger(rules, frame);
}

// What the outside sends back is not for the VF that sent it (X550 7.8.3.3.1 step 10).
static __always_inline struct ways pruned(void *rules, const struct rule *rule, const struct frame *frame)
{
	struct key key = { .kind = OWNERS };
	struct ways ways = rule->from_wire;
	struct rule *owners;

	if (!(rule->flags & PRUNES))
		return ways;
	__builtin_memcpy(key.mac, frame->source, 6);
	owners = bpf_map_lookup_elem(rules, &key);
	if (owners)
		ways.vfs &= ~owners->from_wire.vfs;
	if (!ways.vfs)
		ways.pf = 1;
	return ways;
}

static __always_inline int is_same(const __u8 *mac, const __u8 *other)
{
	const __u16 *a = (const __u16 *)mac, *b = (const __u16 *)other;

	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

// X550 7.8.4: what a VF may not send.
static __always_inline enum reason check(void *rules, __u32 port, const struct rule *sender,
					 const struct frame *frame)
{
	struct key key = { .kind = MEMBER, .port = port, .vlan = frame->vlan };

	if (is_oversize(frame, sender->longest))
		return OVERSIZE;
	if (frame->source[0] & 1)
		return SOURCE_MAC_IS_MULTICAST;
	if (sender->flags & SILENT)
		return QUEUE_DISABLED;
	if (frame->tags) {
		if (sender->flags & TAKES_NO_TAG)
			return TAG_NOT_ALLOWED;
		if (sender->flags & CHECKS_VLAN &&
		    (frame->vlan ? !bpf_map_lookup_elem(rules, &key) : frame->tags > 1))
			return ANTI_SPOOF_VLAN;
	}
	if (sender->flags & CHECKS_SOURCE && !is_same(sender->source, frame->source)) {
		key.kind = SOURCE;
		key.vlan = 0;
		__builtin_memcpy(key.mac, frame->source, 6);
		if (!bpf_map_lookup_elem(rules, &key))
			return ANTI_SPOOF_MAC;
	}
	return PASS;
}
