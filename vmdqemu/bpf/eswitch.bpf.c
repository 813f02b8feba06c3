// The chip's embedded switch: wire, pf0 and the virtual functions (VFs).
//
// One program on the ingress hook (tcx) of each port. It does what nic/switch.py says; datapath/eswitch_rules.py
// asks that module about every address and VLAN there is, and writes the answers down as rules. Without VFs there are
// no rules: what arrives on the wire goes to pf0's ring, what a worker writes into pf0 goes to the wire.
//
// A frame for one port is redirected, one for several is cloned. Superframes pass whole, and partial checksums
// stay partial. What cannot be ruled on here goes from the wire to pf0, where decide() says why it is dropped.
//
// Rules are looked up in hash tables, which is most of what a short frame costs; where an untagged frame for one port
// went is remembered by its addresses, for as long as the rules are the same.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { WIRE, PF, FIRST_VF, VFS = 64, PORTS = FIRST_VF + VFS };

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

enum { UNTAGGED = 0x1000, OTHER_VLAN = 0x1001 };
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

static __always_inline int strip(struct __sk_buff *skb, struct frame *frame)
{
	if (bpf_skb_vlan_pop(skb) < 0)
		return -1;
	frame->size.octets -= 4 * frame->size.wire_frames;
	return 0;
}

static __always_inline __u32 lowest(__u64 vfs)
{
	__u32 vf = 0;

	for (__u32 half = 32; half; half /= 2)
		if (!(vfs & ((1ULL << half) - 1))) {
			vfs >>= half;
			vf += half;
		}
	return vf;
}

static __always_inline int to_one_vf(struct __sk_buff *skb, __u32 vf, const struct rule *rule,
				     struct frame *frame, int looped)
{
	if (frame->tags && rule->stripped & (1ULL << vf) && strip(skb, frame) < 0)
		return drop(FIRST_VF + vf, EGRESS_ERROR);
	return hand_over(FIRST_VF + vf, frame, looped);
}

// With its tag first, then without.
static __always_inline int to_several(struct __sk_buff *skb, __u32 from, struct ways ways, const struct rule *rule,
				      struct frame *frame)
{
	__u64 stripped = frame->tags ? ways.vfs & rule->stripped : 0;
	struct books *mine = books_of(from);
	int inside = from != WIRE;

	if (mine) {
		__u32 copies = ways.pf + ways.wire;

		for (__u64 left = ways.vfs; left && copies < VFS + 2; left &= left - 1)
			copies++;
		mine->copies += copies - 1;
	}
	if (ways.pf)
		copy(skb, PF, frame, inside);
	if (ways.wire)
		copy(skb, WIRE, frame, 0);
	copy_to_vfs(skb, ways.vfs & ~stripped, frame, inside);
	if (stripped) {
		strip(skb, frame);
		copy_to_vfs(skb, stripped, frame, inside);
	}
	return TC_ACT_SHOT;
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

static __always_inline int repeat(const struct memory *memory, const struct frame *frame)
{
	__u32 from = memory->from, to = memory->to;
	int looped = from != WIRE && to != WIRE;

	enter(from, frame);
	if (looped)
		loop(from, frame);
	return hand_over(to, frame, looped);
}

static __always_inline int deliver(struct __sk_buff *skb, __u32 from, struct ways ways, const struct rule *rule,
				   struct frame *frame)
{
	int inside = from != WIRE;
	int to_vf = ways.vfs && !(ways.vfs & (ways.vfs - 1)) && !ways.pf && !ways.wire;
	int to_other = !ways.vfs && ways.pf + ways.wire == 1;
	__u32 to = to_vf ? FIRST_VF + (lowest(ways.vfs) & (VFS - 1)) : ways.pf ? PF : WIRE;

	if (inside && !ways.wire && (ways.vfs || ways.pf))
		loop(from, frame);
	if ((to_vf || to_other) && !frame->tags)
		remember(skb->ifindex, from, to, rule, frame);
	if (to_other)
		return hand_over(to, frame, inside && ways.pf);
	if (to_vf)
		return to_one_vf(skb, to - FIRST_VF, rule, frame, inside);
	if (!ways.vfs && !ways.pf && !ways.wire)
		return drop(from, ways.drop ? ways.drop : PORT_LIST_IS_EMPTY);
	return to_several(skb, from, ways, rule, frame);
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

static __always_inline void *rules_in_effect(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&slot, &only);
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

// What cannot be ruled on goes where everything goes while there are no VFs.
static __always_inline int forward(struct __sk_buff *skb, __u32 from, __u32 otherwise)
{
	struct frame frame = {};
	const struct memory *memory;
	struct rule *rule;
	struct ways ways;
	enum reason fault = PASS;
	void *rules = rules_in_effect();

	measure(skb, &frame);
	if (rules) {
		fault = read_frame(skb, &frame);
		memory = fault ? 0 : recall(skb->ifindex, &frame);
		if (memory)
			return repeat(memory, &frame);
	}
	enter(from, &frame);
	if (!rules || fault)
		return hand_over(otherwise, &frame, 0);
	rule = find(rules, &frame);
	if (!rule || is_oversize(&frame, rule->longest))
		return hand_over(otherwise, &frame, 0);
	if (from == WIRE)
		return deliver(skb, from, pruned(rules, rule, &frame), rule, &frame);
	// The vSwitch has judged it: what is for the PF itself it would have delivered.
	ways = rule->inside;
	ways.wire |= ways.pf;
	ways.pf = 0;
	return deliver(skb, from, ways, rule, &frame);
}

SEC("tc")
int from_wire(struct __sk_buff *skb)
{
	return forward(skb, WIRE, PF);
}

SEC("tc")
int from_pf(struct __sk_buff *skb)
{
	return forward(skb, PF, WIRE);
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

SEC("tc")
int from_vf(struct __sk_buff *skb)
{
	struct frame frame = {};
	struct rule *sender, *rule;
	struct ways ways;
	enum reason reason;
	const struct memory *memory;
	void *rules = rules_in_effect();
	__u32 ifindex = skb->ifindex, *port;

	measure(skb, &frame);
	reason = read_frame(skb, &frame);
	memory = rules && !reason ? recall(ifindex, &frame) : 0;
	if (memory)
		return repeat(memory, &frame);
	port = bpf_map_lookup_elem(&ports, &ifindex);
	if (!port || *port < FIRST_VF || *port >= PORTS)
		return TC_ACT_SHOT;
	enter(*port, &frame);
	if (reason && reason != SOURCE_MAC_IS_MULTICAST)
		return drop(*port, reason);
	if (!rules)
		return drop(*port, PORT_LIST_IS_EMPTY);

	struct key key = { .kind = SENDER, .port = *port };
	sender = bpf_map_lookup_elem(rules, &key);
	if (!sender)
		return drop(*port, PORT_LIST_IS_EMPTY);
	reason = check(rules, *port, sender, &frame);
	if (reason)
		return drop(*port, reason);
	if (sender->flags & INSERTS_TAG && insert(skb, sender->tci, &frame) < 0)
		return drop(*port, EGRESS_ERROR);
	rule = find(rules, &frame);
	if (!rule)
		return drop(*port, PORT_LIST_IS_EMPTY);
	ways = rule->inside;
	if (!(sender->flags & HEARS_ITSELF) && ways.vfs & (1ULL << (*port - FIRST_VF))) {
		ways.vfs &= ~(1ULL << (*port - FIRST_VF));
		ways.drop = sender->inside.drop;
	}
	return deliver(skb, *port, ways, rule, &frame);
}

char LICENSE[] SEC("license") = "GPL";
