// A frame on its way through the embedded switch: what is read of it, its tags, its size on the wire.

#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { UNTAGGED = 0x1000 };

// In the order of datapath/eswitch_rules.py's REASONS.
enum reason {
	PASS,
	TRUNCATED_TAG,
	RESERVED_VID,
	OVERSIZE,
	SOURCE_MAC_IS_MULTICAST,
	QUEUE_DISABLED,
	TAG_NOT_ALLOWED,
	ANTI_SPOOF_VLAN,
	ANTI_SPOOF_MAC,
	RESERVED_MULTICAST,
	NO_POOL,
	VFRE_OFF,
	PORT_LOOPBACK_FILTER,
	PORT_LIST_IS_EMPTY,
	EGRESS_DOWN,
	EGRESS_ERROR,
	REASONS,
};

struct size {
	__u64 skbs;
	__u64 wire_frames;
	__u64 octets;
};

// What is known of a frame on its way.
struct frame {
	union {
		struct {
			__u8 destination[6];
			__u8 source[6];
		};
		__u32 addresses[3]; // both
	};
	__u16 vlan; // of the outermost tag, or UNTAGGED
	__u8 tags; // at most two are walked
	__u8 group;
	struct size size;
	__u32 longest; // octets of its longest wire frame
	__u32 inserted; // octets of tags
};

// Octets in front of every segment. gso_segs is 0 for what user space wrote into a TAP, so the headers are read.
static __always_inline __u32 header_octets(struct __sk_buff *skb)
{
	__u32 offset = ETH_HLEN;
	__u16 ethertype;
	__u8 octet, protocol;

	if (bpf_skb_load_bytes(skb, 12, &ethertype, 2) < 0)
		return 0;
	if (ethertype == bpf_htons(ETH_P_8021Q)) {
		if (bpf_skb_load_bytes(skb, 16, &ethertype, 2) < 0)
			return 0;
		offset += 4;
	}
	if (ethertype == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, offset, &octet, 1) < 0 ||
		    bpf_skb_load_bytes(skb, offset + 9, &protocol, 1) < 0)
			return 0;
		offset += (octet & 0x0f) * 4;
	} else if (ethertype == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, offset + 6, &protocol, 1) < 0)
			return 0;
		offset += 40;
	} else {
		return 0;
	}
	if (protocol == IPPROTO_UDP)
		return offset + 8;
	if (bpf_skb_load_bytes(skb, offset + 12, &octet, 1) < 0)
		return 0;
	return offset + (octet >> 4) * 4;
}

static __always_inline void measure(struct __sk_buff *skb, struct frame *frame)
{
	__u32 frames = 1, octets = skb->len, longest = skb->len;

	if (skb->gso_size) {
		__u32 header = header_octets(skb);

		if (header && octets > header) {
			frames = (octets - header + skb->gso_size - 1) / skb->gso_size;
			octets += (frames - 1) * header;
			longest = header + skb->gso_size;
		}
	}
	// A tag that the kernel keeps beside the frame is on the wire all the same.
	if (skb->vlan_present) {
		octets += 4 * frames;
		longest += 4;
	}
	frame->size.skbs = 1;
	frame->size.wire_frames = frames;
	frame->size.octets = octets;
	frame->longest = longest;
}

static __always_inline int is_tpid(__u16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

// The outermost tag lies beside the frame or in it; a second one lies in it.
static __always_inline enum reason read_tags(struct __sk_buff *skb, __u16 ethertype, struct frame *frame)
{
	__u32 at = 12;
	__u16 tci;

	frame->vlan = UNTAGGED;
	frame->tags = 0;
	if (skb->vlan_present) {
		frame->vlan = skb->vlan_tci & 0xfff;
	} else if (is_tpid(ethertype)) {
		if (bpf_skb_load_bytes(skb, at + 2, &tci, 2) < 0 ||
		    bpf_skb_load_bytes(skb, at + 4, &ethertype, 2) < 0)
			return TRUNCATED_TAG;
		frame->vlan = bpf_ntohs(tci) & 0xfff;
		at += 4;
	} else {
		return PASS;
	}
	frame->tags = 1;
	if (frame->vlan == 0xfff)
		return RESERVED_VID;
	if (is_tpid(ethertype)) {
		if (bpf_skb_load_bytes(skb, at + 2, &tci, 2) < 0 ||
		    bpf_skb_load_bytes(skb, at + 4, &ethertype, 2) < 0)
			return TRUNCATED_TAG;
		frame->tags = 2;
		if ((bpf_ntohs(tci) & 0xfff) == 0xfff)
			return RESERVED_VID;
	}
	return PASS;
}

// What no port lets in, its length apart. The kernel has an Ethernet header in one piece.
static __always_inline enum reason read_frame(struct __sk_buff *skb, struct frame *frame)
{
	const struct ethhdr *header = (void *)(long)skb->data;
	const __u32 *words = (void *)(long)skb->data;
	enum reason fault;

	if ((void *)(header + 1) > (void *)(long)skb->data_end)
		return TRUNCATED_TAG;
	for (int word = 0; word < 3; word++)
		frame->addresses[word] = words[word];
	frame->group = frame->destination[0] & 1;
	fault = read_tags(skb, header->h_proto, frame);
	if (fault)
		return fault;
	return frame->source[0] & 1 ? SOURCE_MAC_IS_MULTICAST : PASS;
}

static __always_inline int is_oversize(const struct frame *frame, __u32 longest)
{
	return frame->longest > longest + 4 * frame->tags;
}

static __always_inline int strip(struct __sk_buff *skb, struct frame *frame)
{
	if (bpf_skb_vlan_pop(skb) < 0)
		return -1;
	frame->size.octets -= 4 * frame->size.wire_frames;
	return 0;
}

static __always_inline int insert(struct __sk_buff *skb, __u16 tci, struct frame *frame)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), tci) < 0)
		return -1;
	frame->vlan = tci & 0xfff;
	frame->tags++;
	frame->inserted = 4 * frame->size.wire_frames;
	frame->size.octets += frame->inserted;
	return 0;
}
