// The sorter: which RX queue of pf0 a frame from the wire is placed in, before any of our code runs.
//
// It is compiled from the silicon's half of decide(): (MAC, VLAN) -> VPort -> hash -> indirection table -> queue,
// and runs on the sender's processor as the TAP's steering program. It only decides what it can decide exactly;
// the rest goes to the default queue, where decide() rules on it.
//
// One slot holds the whole filter set, so a change is one write. A VPort's record holds queue numbers of the
// adapter, not offsets: a frame sees the old record or the new one, never a mixture.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DEFAULT_QUEUE 0
#define MAX_QUEUES 256
#define MAX_ENTRIES 128
#define MAX_FILTERS 1024
#define MAX_KEYS 256
#define INPUT_OCTETS 36
#define RESERVED_VID 4095

// NDIS_HASH_*
#define HASH_IPV4 0x100
#define HASH_TCP_IPV4 0x200
#define HASH_IPV6 0x400
#define HASH_TCP_IPV6 0x1000
#define HASH_UDP_IPV4 0x4000
#define HASH_UDP_IPV6 0x8000

struct filter {
	__u8 mac[ETH_ALEN];
	__u16 vlan; // 0: untagged and priority-tagged
};

struct vport {
	__u32 mask; // entries of the table - 1; 0: one queue, nothing is hashed
	__u32 types;
	__u32 key; // index of its byte tables
	__u32 unhashed; // the queue of frames without a hash
	__u8 table[MAX_ENTRIES];
};

// Toeplitz is linear: the share of each value of each input octet.
struct key {
	__u32 share[INPUT_OCTETS][256];
};

struct filters {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FILTERS);
	__uint(key_size, sizeof(struct filter));
	__uint(value_size, sizeof(struct vport));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct filters);
} slot SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_KEYS);
	__type(key, __u32);
	__type(value, struct key);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u64);
} arrivals SEC(".maps");

static __always_inline int load(struct __sk_buff *skb, __u32 offset, void *to, __u32 octets)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, octets, BPF_HDR_START_MAC);
}

// What the headers give to hash.
struct input {
	__u32 octets; // 0: no hash
	__u8 data[INPUT_OCTETS];
};

enum found { UNDECIDED, HASHED, UNHASHED };

static __always_inline __u32 with_ports(__u32 types, __u8 protocol, __u32 tcp, __u32 udp)
{
	return (protocol == IPPROTO_TCP && types & tcp) || (protocol == IPPROTO_UDP && types & udp);
}

static __always_inline enum found read_ipv4(struct __sk_buff *skb, __u32 start, __u32 end, __u32 types,
					    struct input *input)
{
	__u8 head[20];
	__u32 header, octets;
	int fragment;

	if (load(skb, start, head, sizeof(head)) < 0)
		return UNHASHED;
	header = (head[0] & 0x0f) * 4;
	octets = head[2] << 8 | head[3];
	// A header that lies is no header; what lies behind the total length is padding.
	if (head[0] >> 4 != 4 || header < 20 || octets < header || start + octets > end)
		return UNHASHED;
	fragment = (head[6] & 0x3f) | head[7];
	__builtin_memcpy(input->data, head + 12, 8);
	if (!fragment && octets >= header + 4 && with_ports(types, head[9], HASH_TCP_IPV4, HASH_UDP_IPV4) &&
	    load(skb, start + header, input->data + 8, 4) == 0) {
		input->octets = 12;
		return HASHED;
	}
	input->octets = 8;
	return types & HASH_IPV4 ? HASHED : UNHASHED;
}

static __always_inline enum found read_ipv6(struct __sk_buff *skb, __u32 start, __u32 end, __u32 types,
					    struct input *input)
{
	__u8 head[40];
	__u32 octets;

	if (load(skb, start, head, sizeof(head)) < 0)
		return UNHASHED;
	octets = head[4] << 8 | head[5];
	if (head[0] >> 4 != 6 || start + 40 + octets > end)
		return UNHASHED;
	switch (head[6]) { // extension headers are walked by decide()
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
		return UNDECIDED;
	}
	__builtin_memcpy(input->data, head + 8, 32);
	if (octets >= 4 && with_ports(types, head[6], HASH_TCP_IPV6, HASH_UDP_IPV6) &&
	    load(skb, start + 40, input->data + 32, 4) == 0) {
		input->octets = 36;
		return HASHED;
	}
	input->octets = 32;
	return types & HASH_IPV6 ? HASHED : UNHASHED;
}

static __always_inline __u32 toeplitz(const struct key *key, const struct input *input)
{
	__u32 hash = 0;

#pragma unroll
	for (__u32 octet = 0; octet < INPUT_OCTETS; octet++)
		if (octet < input->octets)
			hash ^= key->share[octet][input->data[octet]];
	return hash;
}

static __always_inline __u32 queue_of(struct __sk_buff *skb, __u32 start, __u32 end, __u16 ethertype,
				      const struct vport *vport)
{
	struct input input = {};
	enum found found = UNHASHED;
	const struct key *key;
	__u32 index = vport->key;

	if (!vport->mask)
		return vport->unhashed;
	if (ethertype == bpf_htons(ETH_P_IP))
		found = read_ipv4(skb, start, end, vport->types, &input);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		found = read_ipv6(skb, start, end, vport->types, &input);
	if (found == UNDECIDED)
		return DEFAULT_QUEUE;
	if (found == UNHASHED)
		return vport->unhashed;
	key = bpf_map_lookup_elem(&keys, &index);
	if (!key)
		return DEFAULT_QUEUE;
	return vport->table[toeplitz(key, &input) & vport->mask & (MAX_ENTRIES - 1)];
}

static __always_inline int is_tag(__u16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

// Reads the tag at `start`: its VID, or a negative number for one that no frame may carry.
static __always_inline int read_tag(struct __sk_buff *skb, __u32 *start, __u16 *ethertype)
{
	__u8 tag[4];
	int vid;

	if (load(skb, *start, tag, sizeof(tag)) < 0)
		return -1;
	vid = (tag[0] & 0x0f) << 8 | tag[1];
	__builtin_memcpy(ethertype, tag + 2, 2);
	*start += 4;
	return vid == RESERVED_VID ? -1 : vid;
}

// end: octets of the frame as it lies in memory, without a tag that the kernel keeps beside it.
static __always_inline __u32 sort(struct __sk_buff *skb, __u32 end)
{
	struct filter filter = {};
	const struct vport *vport;
	__u32 first = 0, start = ETH_HLEN;
	__u8 head[ETH_HLEN];
	__u16 ethertype;
	void *filters;
	int vid = 0;

	if (load(skb, 0, head, sizeof(head)) < 0 || head[6] & 1)
		return DEFAULT_QUEUE;
	__builtin_memcpy(filter.mac, head, ETH_ALEN);
	__builtin_memcpy(&ethertype, head + 12, 2);
	if (skb->vlan_present || is_tag(ethertype)) {
		vid = skb->vlan_present ? skb->vlan_tci & 0x0fff : read_tag(skb, &start, &ethertype);
		if (vid < 0 || (is_tag(ethertype) && read_tag(skb, &start, &ethertype) < 0)) // two are read
			return DEFAULT_QUEUE;
	}
	filter.vlan = vid;
	filters = bpf_map_lookup_elem(&slot, &first);
	if (!filters)
		return DEFAULT_QUEUE;
	vport = bpf_map_lookup_elem(filters, &filter);
	return vport ? queue_of(skb, start, end, ethertype, vport) : DEFAULT_QUEUE;
}

// The TAP's steering program.
SEC("socket")
int steer(struct __sk_buff *skb)
{
	return sort(skb, skb->len);
}

// The TAP's filter program: keeps every frame, and counts it behind the qdisc, before the ring.
SEC("socket")
int arrive(struct __sk_buff *skb)
{
	__u32 queue = skb->queue_mapping;
	__u64 *count = bpf_map_lookup_elem(&arrivals, &queue);

	if (count)
		(*count)++;
	return -1;
}

// The same function where a test can offer it a frame that begins with its Ethernet header; the mark is a tag
// that the kernel keeps beside the frame.
SEC("tc")
int test_sort(struct __sk_buff *skb)
{
	if (skb->mark && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), skb->mark) < 0)
		return -1;
	return sort(skb, skb->len);
}

char LICENSE[] SEC("license") = "GPL";
