//! Which addresses belong to the public internet.
//!
//! From the registries of special-purpose addresses (RFC 6890 and IANA's tables). What is not clearly public is not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Azure's platform service, which also serves metadata: the one such address outside the special-purpose ranges.
const AZURE_PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Whether anybody on the internet could be meant by this address.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // "This network"; loopback; private (RFC 1918); multicast, reserved and broadcast.
        [0 | 10 | 127 | 224..=255, ..]
        // Carrier-grade NAT (RFC 6598); Alibaba's metadata are in it.
        | [100, 64..=127, ..]
        // Link-local; most clouds' metadata are in it.
        | [169, 254, ..]
        // Private (RFC 1918).
        | [172, 16..=31, ..]
        | [192, 168, ..]
        // Protocol assignments, with Oracle's metadata; documentation; the 6to4 relay.
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        // Benchmarks (RFC 2544); documentation (RFC 5737).
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => true,
        _ => address == AZURE_PLATFORM,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // IPv4-mapped, NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address that they embed.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_public_v4(embedded(high, low))
        }
        // Protocol assignments, with Teredo, benchmarks and ORCHID (RFC 2928); documentation (RFC 3849, RFC 9637).
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Everything else outside 2000::/3: unspecified, loopback, IPv4-compatible, unique-local, link-local,
        // multicast.
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::IpNet;
    use proptest::prelude::*;

    /// An independent list: the ranges as one would write them into a firewall.
    const REFUSED: [&str; 29] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "4000::/2",
        "5f00::/16",
        "8000::/1",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];

    fn is_refused_range(address: IpAddr) -> bool {
        REFUSED
            .iter()
            .any(|range| range.parse::<IpNet>().expect("a range").contains(&address))
    }

    /// Every way in which an IPv6 address leads to an IPv4 address.
    fn embeddings(address: Ipv4Addr) -> [IpAddr; 3] {
        let [a, b, c, d] = address.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        [
            address.to_ipv6_mapped().into(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into(),
        ]
    }

    /// Any address, with those near the edge of a special range as likely as all others.
    fn any_address() -> impl Strategy<Value = IpAddr> {
        let near_an_edge =
            (prop::sample::select(&REFUSED[..]), any::<(bool, bool)>()).prop_map(|(range, (end, out))| {
                let range: IpNet = range.parse().expect("a range");
                let edge = if end { range.broadcast() } else { range.network() };
                match (edge, end, out) {
                    (edge, _, false) => edge,
                    (IpAddr::V4(edge), true, true) => Ipv4Addr::from(u32::from(edge).wrapping_add(1)).into(),
                    (IpAddr::V4(edge), false, true) => Ipv4Addr::from(u32::from(edge).wrapping_sub(1)).into(),
                    (IpAddr::V6(edge), true, true) => Ipv6Addr::from(u128::from(edge).wrapping_add(1)).into(),
                    (IpAddr::V6(edge), false, true) => Ipv6Addr::from(u128::from(edge).wrapping_sub(1)).into(),
                }
            });
        prop_oneof![
            near_an_edge,
            any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).into()),
            any::<IpAddr>()
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn an_address_in_a_special_range_is_never_public(address in any_address()) {
            prop_assert!(!(is_refused_range(address) && is_public(address)), "{address}");
        }

        #[test]
        fn an_ipv4_address_outside_the_special_ranges_is_public(bits: u32) {
            let address = Ipv4Addr::from(bits);
            prop_assert_eq!(is_public(address.into()), !is_refused_range(address.into()), "{}", address);
        }

        #[test]
        fn an_embedded_ipv4_address_is_as_public_as_itself(address in any_address()) {
            let IpAddr::V4(address) = address else { return Ok(()) };
            for embedded in embeddings(address) {
                prop_assert_eq!(is_public(embedded), is_public(address.into()), "{} in {}", address, embedded);
            }
        }
    }

    #[test]
    fn metadata_services_are_not_public() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn public_services_are_public() {
        for address in [
            "140.82.121.3",
            "1.1.1.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "64:ff9b::8c52:7903",
        ] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }
}
