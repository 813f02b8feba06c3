// The chip's embedded switch, without VFs: wire <-> pf0.
//
// Two programs on tc ingress. What arrives on the wire goes to pf0's ring; what a worker writes into pf0 goes to
// the wire. Superframes pass whole and partial checksums stay partial. Each direction counts what it redirects:
// skbs as they come, and the wire frames and octets that they stand for.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { FROM_WIRE, FROM_PF, DIRECTIONS };

struct direction {
	__u64 skbs;
	__u64 wire_frames;
	__u64 octets;
};

// The link each direction ends at. Written once, before the programs are attached.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DIRECTIONS);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DIRECTIONS);
	__type(key, __u32);
	__type(value, struct direction);
} counted SEC(".maps");

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

static __always_inline void count(struct __sk_buff *skb, __u32 from)
{
	struct direction *direction = bpf_map_lookup_elem(&counted, &from);
	__u32 frames = 1, octets = skb->len;

	if (!direction)
		return;
	if (skb->gso_size) {
		__u32 header = header_octets(skb);

		if (header && octets > header) {
			frames = (octets - header + skb->gso_size - 1) / skb->gso_size;
			octets += (frames - 1) * header;
		}
	}
	// A tag that the kernel keeps beside the frame is on the wire all the same.
	if (skb->vlan_present)
		octets += 4 * frames;
	direction->skbs++;
	direction->wire_frames += frames;
	direction->octets += octets;
}

static __always_inline int forward(struct __sk_buff *skb, __u32 from)
{
	__u32 *ifindex = bpf_map_lookup_elem(&target, &from);

	if (!ifindex)
		return TC_ACT_SHOT;
	count(skb, from);
	return bpf_redirect(*ifindex, 0);
}

SEC("tc")
int from_wire(struct __sk_buff *skb)
{
	return forward(skb, FROM_WIRE);
}

SEC("tc")
int from_pf(struct __sk_buff *skb)
{
	return forward(skb, FROM_PF);
}

char LICENSE[] SEC("license") = "GPL";
