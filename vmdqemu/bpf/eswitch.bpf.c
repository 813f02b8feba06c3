// The chip's embedded switch: wire, pf0 and the virtual functions (VFs).
//
// One program on the ingress hook (tcx) of each port. It does what nic/switch.py says; datapath/eswitch_rules.py
// asks that module about every address and VLAN there is, and writes the answers down as rules. Without VFs there are
// no rules: what arrives on the wire goes to pf0's ring, what a worker writes into pf0 goes to the wire.
//
// A frame for one port is redirected, one for several is cloned. Superframes pass whole, and partial checksums
// stay partial. What cannot be ruled on here goes from the wire to pf0, where decide() says why it is dropped.

#include "eswitch_memory.h"

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
