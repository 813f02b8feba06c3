// The sorter: which RX queue of pf0 a frame from the wire is placed in, before any of our code runs.
//
// It is compiled from the silicon's half of decide(): (MAC, VLAN) -> VPort -> hash -> indirection table -> queue,
// and runs on the sender's processor as the TAP's steering program. What no filter matches is the default
// VPort's, which has a record like any other. It only decides what it can decide exactly; the rest goes to the
// default queue, where decide() rules on it.
//
// The headers are read as vmdqemu/nic reads them: packet.py, tunnel.py, and rss.py for what of them is hashed.
//
// One slot holds all records, so a change is one write. A record holds queue numbers of the adapter, not
// offsets: a frame sees the old record or the new one, never a mixture.

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
#define MAX_RECORDS 1025 // filters and the default VPort
#define MAX_KEYS 256
#define INPUT_OCTETS 36
#define MAX_TAGS 2
#define MAX_EXTENSIONS 8
#define HEADER_OCTETS 256 // vmdqemu/nic/frame.py
#define RESERVED_VID 4095
#define NO_VLAN 0xffff // of the default VPort's record: no frame is in it

// How a packet is hashed: bits of a cell of `struct vport`.
#define HASHED 1
#define PORTS 2 // by its flow, else by its addresses alone
#define HOME 4 // by the home address of a mobile node

#define HOME_ADDRESS_OPTION 0xc9 // RFC 6275 6.3
#define MAX_OPTIONS 8
#define ROUTING_TYPE_2 0x0202 // its length and type: one address (RFC 6275 6.4)

#define UDP_OCTETS 8
#define VXLAN_OCTETS 8
#define VXLAN_VNI_VALID 0x08
#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_NOT_ZERO 0x4c07

struct filter {
	__u8 mac[ETH_ALEN];
	__u16 vlan; // 0: untagged and priority-tagged
};

struct vport {
	__u32 mask; // entries of the table - 1; 0: one queue, nothing is hashed
	__u32 key; // index of its byte tables
	__u32 unhashed; // the queue of frames without a hash
	__u8 hashed[10]; // of IPv4, IPv6 and a mobile node's IPv6, in each: without ports, TCP, UDP
	__u16 vxlan_port; // 0: VXLAN is not looked into
	__u16 nvgre; // whether it is looked into
	__u8 table[MAX_ENTRIES];
};

// Toeplitz is linear: the share of each value of each input octet.
struct key {
	__u32 share[INPUT_OCTETS][256];
};

struct records {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_RECORDS);
	__uint(key_size, sizeof(struct filter));
	__uint(value_size, sizeof(struct vport));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct records);
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

// What an IP packet's headers say.
struct packet {
	__u32 payload; // behind the IP header
	__u32 end;
	__u8 ip; // 4, 6, or 0 for no readable IP header
	__u8 protocol;
	__u8 fragment;
	__u8 extended; // IPv6 extension headers follow
	__u8 unreadable; // they cannot be skipped
	__u32 home_address; // offset of the option's address; 0: there is none
	__u32 routed_to; // offset of a type 2 routing header's address; 0: there is none
	__u16 to_port;
	__u8 has_ports;
	__u8 input[INPUT_OCTETS]; // addresses, then ports
};

// Reads octets that lie before `end`, and where decide() reads too; a negative number: they do not.
static __always_inline int load(struct __sk_buff *skb, __u32 offset, __u32 end, void *to, __u32 octets)
{
	if (offset + octets > end || offset + octets > HEADER_OCTETS)
		return -1;
	return bpf_skb_load_bytes_relative(skb, offset, to, octets, BPF_HDR_START_MAC);
}

static __always_inline void read_ports(struct __sk_buff *skb, struct packet *packet, __u8 *ports)
{
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return;
	packet->has_ports = load(skb, packet->payload, packet->end, ports, 4) == 0;
	packet->to_port = ports[2] << 8 | ports[3];
}

static __always_inline void read_ipv4(struct __sk_buff *skb, __u32 start, __u32 end, struct packet *packet)
{
	__u8 head[20];
	__u32 header, octets;

	if (load(skb, start, end, head, sizeof(head)) < 0)
		return;
	header = (head[0] & 0x0f) * 4;
	octets = head[2] << 8 | head[3];
	// A header that lies is no header; what lies behind the total length is padding.
	if (head[0] >> 4 != 4 || header < 20 || octets < header || start + octets > end)
		return;
	packet->ip = 4;
	packet->protocol = head[9];
	packet->fragment = (head[6] & 0x3f) | head[7];
	packet->payload = start + header;
	packet->end = start + octets;
	__builtin_memcpy(packet->input, head + 12, 8);
	if (!packet->fragment)
		read_ports(skb, packet, packet->input + 8);
}

static __always_inline int is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH || protocol == IPPROTO_DSTOPTS;
}

static __always_inline void read_ipv6(struct __sk_buff *skb, __u32 start, __u32 end, struct packet *packet)
{
	__u8 head[40];
	__u32 octets;

	if (load(skb, start, end, head, sizeof(head)) < 0)
		return;
	octets = head[4] << 8 | head[5];
	if (head[0] >> 4 != 6 || start + 40 + octets > end)
		return;
	packet->ip = 6;
	packet->protocol = head[6];
	packet->payload = start + 40;
	packet->end = start + 40 + octets;
	__builtin_memcpy(packet->input, head + 8, 32);
	packet->extended = is_extension(packet->protocol);
	read_ports(skb, packet, packet->input + 32);
}

// Offset of the address in the home address option; 0: there is none. offset: of the first option.
__noinline int home_address_at(struct __sk_buff *skb, __u32 offset, __u32 end)
{
	__u8 head[2];

	for (int options = 0; options < MAX_OPTIONS; options++) {
		if (load(skb, offset, end, head, sizeof(head)) < 0)
			return 0;
		if (head[0] == HOME_ADDRESS_OPTION)
			return head[1] == 16 && offset + 18 <= end ? offset + 2 : 0;
		offset += head[0] == 0 ? 1 : 2 + head[1]; // RFC 8200 4.2: Pad1 has no length
	}
	return 0;
}

// Walks the extension headers up to the upper layer, or to a fragment header, and reads the ports behind them.
// Not inline: so it is verified once, and not for every state of its callers.
__noinline int skip_extensions(struct __sk_buff *skb, struct packet *packet)
{
	__u32 readable, start;
	__u8 head[8];

	if (!packet)
		return 0;
	readable = packet->end < HEADER_OCTETS ? packet->end : HEADER_OCTETS;
	for (int headers = 0; headers < MAX_EXTENSIONS && is_extension(packet->protocol); headers++) {
		start = packet->payload;
		packet->unreadable = load(skb, start, readable, head, sizeof(head)) < 0;
		if (packet->unreadable)
			return 0;
		packet->fragment = packet->protocol == IPPROTO_FRAGMENT;
		if (packet->fragment)
			packet->payload += 8;
		else if (packet->protocol == IPPROTO_AH)
			packet->payload += (head[1] + 2) * 4;
		else
			packet->payload += (head[1] + 1) * 8;
		packet->unreadable = packet->payload > readable;
		if (packet->unreadable)
			return 0;
		if (packet->protocol == IPPROTO_DSTOPTS && !packet->home_address)
			packet->home_address = home_address_at(skb, start + 2, packet->payload);
		if (packet->protocol == IPPROTO_ROUTING && !packet->routed_to && (head[1] << 8 | head[2]) == ROUTING_TYPE_2)
			packet->routed_to = start + 8;
		packet->protocol = head[0];
		if (packet->fragment)
			return 0;
	}
	packet->unreadable = is_extension(packet->protocol);
	read_ports(skb, packet, packet->input + 32);
	return 0;
}

static __always_inline void read_packet(struct __sk_buff *skb, __u32 start, __u32 end, __u16 ethertype,
					struct packet *packet)
{
	if (ethertype == bpf_htons(ETH_P_IP))
		read_ipv4(skb, start, end, packet);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		read_ipv6(skb, start, end, packet);
}

static __always_inline int is_tag(__u16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

// Reads the tag at `start`: its VID, or a negative number for one that no frame may carry.
static __always_inline int read_tag(struct __sk_buff *skb, __u32 *start, __u32 end, __u16 *ethertype)
{
	__u8 tag[4];
	int vid;

	if (load(skb, *start, end, tag, sizeof(tag)) < 0)
		return -1;
	vid = (tag[0] & 0x0f) << 8 | tag[1];
	__builtin_memcpy(ethertype, tag + 2, 2);
	*start += 4;
	return vid == RESERVED_VID ? -1 : vid;
}

// Where the frame inside of a packet begins; 0: this is no tunnel.
static __always_inline __u32 inside(struct __sk_buff *skb, const struct packet *packet, const struct vport *vport)
{
	__u32 header = packet->payload + UDP_OCTETS;
	__u8 head[VXLAN_OCTETS];
	__u16 flags;

	if (packet->protocol == IPPROTO_UDP && packet->has_ports && vport->vxlan_port &&
	    packet->to_port == vport->vxlan_port) {
		if (load(skb, header, packet->end, head, sizeof(head)) < 0 || !(head[0] & VXLAN_VNI_VALID))
			return 0;
		return header + VXLAN_OCTETS;
	}
	if (packet->protocol == IPPROTO_GRE && !packet->fragment && vport->nvgre) {
		if (load(skb, packet->payload, packet->end, head, sizeof(head)) < 0)
			return 0; // not even a key
		flags = head[0] << 8 | head[1];
		if (head[2] != 0x65 || head[3] != 0x58 || !(flags & GRE_KEY) || flags & GRE_NOT_ZERO)
			return 0;
		return packet->payload + 8 + !!(flags & GRE_CHECKSUM) * 4 + !!(flags & GRE_SEQUENCE) * 4;
	}
	return 0;
}

// Reads the packet of the frame at `start`, inside of another.
static __always_inline void read_inner(struct __sk_buff *skb, __u32 start, __u32 end, struct packet *packet)
{
	__u16 ethertype;

	if (load(skb, start + 2 * ETH_ALEN, end, &ethertype, sizeof(ethertype)) < 0)
		return;
	start += ETH_HLEN;
	for (int tags = 0; tags < MAX_TAGS; tags++)
		if (is_tag(ethertype) && read_tag(skb, &start, end, &ethertype) < 0)
			return;
	read_packet(skb, start, end, ethertype, packet);
}

// A cell of the VPort's record; by_flow: the packet's ports may count.
static __always_inline __u8 how(const struct vport *vport, const struct packet *packet, int by_flow)
{
	__u32 row = packet->ip == 4 ? 0 : packet->home_address || packet->routed_to ? 2 : 1;
	__u32 column = !by_flow || !packet->has_ports ? 0 : packet->protocol == IPPROTO_TCP ? 1 : 2;

	return packet->ip ? vport->hashed[row * 3 + column] : 0;
}

// Puts the home address in place of the care-of address: input to be hashed. Negative: it cannot be read.
static __always_inline int go_home(struct __sk_buff *skb, struct packet *packet)
{
	int failed = 0;

	if (packet->home_address)
		failed |= load(skb, packet->home_address, packet->end, packet->input, 16);
	if (packet->routed_to)
		failed |= load(skb, packet->routed_to, packet->end, packet->input + 16, 16);
	return failed;
}

static __always_inline __u32 toeplitz(const struct key *key, const struct packet *packet, __u32 octets)
{
	__u32 hash = 0;

#pragma unroll
	for (__u32 octet = 0; octet < INPUT_OCTETS; octet++)
		if (octet < octets)
			hash ^= key->share[octet][packet->input[octet]];
	return hash;
}

static __always_inline __u32 queue_of(struct __sk_buff *skb, __u32 start, __u32 end, __u16 ethertype,
				      const struct vport *vport)
{
	struct packet packet = {}, inner = {};
	const struct key *key;
	__u32 index = vport->key, octets;
	__u8 hashed;

	if (!vport->mask)
		return vport->unhashed;
	read_packet(skb, start, end, ethertype, &packet);
	if (packet.extended)
		skip_extensions(skb, &packet);
	if (packet.unreadable)
		return vport->unhashed;
	start = inside(skb, &packet, vport);
	if (start)
		read_inner(skb, start, packet.end, &inner);
	hashed = how(vport, start ? &inner : &packet, 1);
	if (start && hashed & PORTS)
		packet = inner;
	else if (start)
		hashed = how(vport, &packet, 0);
	if (!hashed)
		return vport->unhashed;
	if (hashed & HOME && go_home(skb, &packet) < 0)
		return DEFAULT_QUEUE;
	octets = (packet.ip == 4 ? 8 : 32) + (hashed & PORTS ? 4 : 0);
	key = bpf_map_lookup_elem(&keys, &index);
	if (!key)
		return DEFAULT_QUEUE;
	return vport->table[toeplitz(key, &packet, octets) & vport->mask & (MAX_ENTRIES - 1)];
}

// The record of the VPort whose filter takes the frame, else the default VPort's.
static __always_inline const struct vport *match(struct filter *filter)
{
	const struct vport *vport;
	__u32 first = 0;
	void *records = bpf_map_lookup_elem(&slot, &first);

	if (!records)
		return 0;
	vport = bpf_map_lookup_elem(records, filter);
	if (vport)
		return vport;
	*filter = (struct filter){ .vlan = NO_VLAN };
	return bpf_map_lookup_elem(records, filter);
}

// end: octets of the frame as it lies in memory, without a tag that the kernel keeps beside it.
static __always_inline __u32 sort(struct __sk_buff *skb, __u32 end)
{
	struct filter filter = {};
	const struct vport *vport;
	__u32 start = ETH_HLEN;
	__u8 head[ETH_HLEN];
	__u16 ethertype;
	int vid = 0;

	if (load(skb, 0, end, head, sizeof(head)) < 0 || head[6] & 1)
		return DEFAULT_QUEUE;
	__builtin_memcpy(filter.mac, head, ETH_ALEN);
	__builtin_memcpy(&ethertype, head + 12, 2);
	if (skb->vlan_present || is_tag(ethertype)) {
		vid = skb->vlan_present ? skb->vlan_tci & 0x0fff : read_tag(skb, &start, end, &ethertype);
		if (vid < 0 || (is_tag(ethertype) && read_tag(skb, &start, end, &ethertype) < 0)) // MAX_TAGS
			return DEFAULT_QUEUE;
	}
	filter.vlan = vid;
	vport = match(&filter);
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
