// The outside host's VLAN: an access port of the switch that the wire leads to.
//
// On the outside end of the wire: what the host sends gets the tag, what it receives loses it, and what is not
// in its VLAN does not reach it. Kernels without the 8021q module need this; with it a VLAN device would do.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// The VID. Written once, before the programs are attached.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} access_vlan SEC(".maps");

static __always_inline __u32 vid(void)
{
	__u32 only = 0, *value = bpf_map_lookup_elem(&access_vlan, &only);

	return value ? *value : 0;
}

SEC("tc")
int push(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vid()) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int pop(struct __sk_buff *skb)
{
	if (!skb->vlan_present || (skb->vlan_tci & 0x0fff) != vid())
		return TC_ACT_SHOT;
	return bpf_skb_vlan_pop(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
