// A VM's one face: its interface stays eth0, whichever way its frames go.
//
// While a VF is granted, what the VM sends by eth0 leaves by vf0. What arrives at vf0 always comes in by eth0, so
// nothing that is still on its way is lost when the VF is taken (NDIS: sr-iov-vf-failover-and-live-migration).

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

enum { OUTWARD, INWARD, WAYS };

// The link at the end of each way; 0: it is closed.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WAYS);
	__type(key, __u32);
	__type(value, __u32);
} links SEC(".maps");

static __always_inline __u32 link(__u32 way)
{
	__u32 *ifindex = bpf_map_lookup_elem(&links, &way);

	return ifindex ? *ifindex : 0;
}

SEC("tc")
int outward(struct __sk_buff *skb)
{
	__u32 ifindex = link(OUTWARD);

	return ifindex ? bpf_redirect(ifindex, 0) : TC_ACT_UNSPEC;
}

SEC("tc")
int inward(struct __sk_buff *skb)
{
	__u32 ifindex = link(INWARD);

	return ifindex ? bpf_redirect(ifindex, BPF_F_INGRESS) : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
