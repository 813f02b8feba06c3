// The ports of the embedded switch: their links, their books, and how a frame enters and leaves by them.

#pragma once

#include <linux/pkt_cls.h>
#include "eswitch_frame.h"

enum { WIRE, PF, FIRST_VF, VFS = 64, PORTS = FIRST_VF + VFS };

// One port's. A frame is looped if it came from inside and stays inside.
struct books {
	struct size entered;
	struct size left;
	struct size looped_entered;
	struct size looped_left;
	__u64 copies; // deliveries beyond the first of frames that entered here
	__u64 groups_left; // wire frames to a group
	__u64 drops[REASONS];
};

struct plug {
	__u32 ifindex;
	__u32 peer; // redirect straight into the link's peer, past what shapes the link
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct books);
} books SEC(".maps");

// The link of each port; 0: none now.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct plug);
} plugs SEC(".maps");

// The port of each VF's link.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VFS);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

static __always_inline void add(struct size *to, const struct size *size)
{
	to->skbs += size->skbs;
	to->wire_frames += size->wire_frames;
	to->octets += size->octets;
}

static __always_inline struct books *books_of(__u32 port)
{
	return bpf_map_lookup_elem(&books, &port);
}

static __always_inline void enter(__u32 port, const struct frame *frame)
{
	struct books *mine = books_of(port);

	if (mine)
		add(&mine->entered, &frame->size);
}

// It comes from inside and stays there.
static __always_inline void loop(__u32 from, const struct frame *frame)
{
	struct books *mine = books_of(from);
	struct size sent = frame->size;

	sent.octets -= frame->inserted;
	if (mine)
		add(&mine->looped_entered, &sent);
}

static __always_inline int drop(__u32 port, enum reason reason)
{
	struct books *mine = books_of(port);

	if (mine)
		mine->drops[reason & (REASONS - 1)]++;
	return TC_ACT_SHOT;
}

static __always_inline void leave(__u32 port, const struct frame *frame, int looped)
{
	struct books *its = books_of(port);

	if (!its)
		return;
	add(&its->left, &frame->size);
	if (looped)
		add(&its->looped_left, &frame->size);
	if (frame->group)
		its->groups_left += frame->size.wire_frames;
}

// The only copy.
static __always_inline int hand_over(__u32 port, const struct frame *frame, int looped)
{
	struct plug *plug = bpf_map_lookup_elem(&plugs, &port);

	if (!plug || !plug->ifindex)
		return drop(port, EGRESS_DOWN);
	leave(port, frame, looped);
	return plug->peer ? bpf_redirect_peer(plug->ifindex, 0) : bpf_redirect(plug->ifindex, 0);
}

// One of several.
static __always_inline void copy(struct __sk_buff *skb, __u32 port, const struct frame *frame, int looped)
{
	struct plug *plug = bpf_map_lookup_elem(&plugs, &port);

	if (!plug || !plug->ifindex)
		drop(port, EGRESS_DOWN);
	else if (bpf_clone_redirect(skb, plug->ifindex, 0) < 0)
		drop(port, EGRESS_ERROR);
	else
		leave(port, frame, looped);
}

static __always_inline void copy_to_vfs(struct __sk_buff *skb, __u64 vfs, const struct frame *frame, int looped)
{
	for (__u32 vf = 0; vf < VFS; vf++)
		if (vfs & (1ULL << vf))
			copy(skb, FIRST_VF + vf, frame, looped);
}
