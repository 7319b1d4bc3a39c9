//! What each scene asks, and what it must show.

/// The arguments, the exit code, the first line up to its metrics, and lines of the output.
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// Further arguments.
    pub arguments: &'static str,
    /// The exit code.
    pub exit: i32,
    /// The first line.
    pub first_line: &'static str,
    /// Lines that must be there.
    pub shown: &'static [&'static str],
}

const fn scene(
    name: &'static str,
    arguments: &'static str,
    exit: i32,
    first_line: &'static str,
    shown: &'static [&'static str],
) -> Scene {
    Scene { name, arguments, exit, first_line, shown }
}

/// TLSA records of single hosts.
pub const DANE: [Scene; 45] = [
    scene(
        "ee",
        "-H ee.example.org -p {good} --dane require",
        0,
        "SMTP CERT OK - ee.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[
            "OK: TLSA 3 1 1 {any}... of _{good}._tcp.ee.example.org vouches for mail.example.org by DANE-EE(3)",
            "OK: _{good}._tcp.ee.example.org has one TLSA record: publish that of the next key beside it, two TTLs before the key is changed",
        ],
    ),
    scene(
        "ee_certificate",
        "-H certificate.example.org -p {good} --dane require",
        0,
        "SMTP CERT OK - certificate.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ee_sha512",
        "-H sha512.example.org -p {good} --dane require",
        0,
        "SMTP CERT OK - sha512.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ee_in_full",
        "-H whole.example.org -p {good} --dane require",
        0,
        "SMTP CERT OK - whole.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ee_expired",
        "-H over.example.org -p {expired} --dane require",
        0,
        "SMTP CERT OK - over.example.org:{expired} (127.0.0.1) expired on {date}, which DANE-EE ignores, TLSv1.3, by DANE",
        &[
            "OK: certificate of mail.example.org expired {span} ago, on {date}, which DANE-EE ignores (RFC 7671 section 5.1)",
        ],
    ),
    scene(
        "ee_expired_with_limits",
        "-H over.example.org -p {expired} --dane require -w 30 -c 14",
        2,
        "SMTP CERT CRITICAL - over.example.org:{expired} (127.0.0.1): certificate of mail.example.org expired {span} ago, on {date}, TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ee_self_signed",
        "-H own.example.org -p {self-signed} --dane require",
        0,
        "SMTP CERT OK - own.example.org:{self-signed} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ee_with_a_further_name",
        "-H ee.example.org -p {good} --dane require --name mx.example.net",
        2,
        "SMTP CERT CRITICAL - ee.example.org:{good} (127.0.0.1): certificate is not for mx.example.net but for mail.example.org, localhost, 127.0.0.1, ::1, valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "mismatch",
        "-H wrong.example.org -p {wildcard} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - wrong.example.org:{wildcard} (127.0.0.1): TLSA 3 1 1 {any}... of _{wildcard}._tcp.wrong.example.org does not fit the certificate of *.example.org, valid until {date} ({n} days), TLSv1.3",
        &[
            "_{wildcard}._tcp.wrong.example.org. IN TLSA 3 1 1 {any}",
            "hint: senders that use DANE put mail off: {any} [dane_mismatch]",
        ],
    ),
    scene(
        "rollover_pair",
        "-H pair.example.org -p {good} --dane require",
        0,
        "SMTP CERT OK - pair.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[
            "OK: TLSA 3 1 1 {any}... of _{good}._tcp.pair.example.org fits nothing that was seen: a change of keys is prepared or not cleared up{any}",
        ],
    ),
    scene(
        "rollover_missed",
        "-H neither.example.org -p {wildcard} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - neither.example.org:{wildcard} (127.0.0.1): none of 2 TLSA records of _{wildcard}._tcp.neither.example.org fits the certificate of *.example.org, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "no_record_of_use",
        "-H useless.example.org -p {wildcard} --dane opportunistic",
        1,
        "SMTP CERT WARNING - useless.example.org:{wildcard} (127.0.0.1): TLSA record 1 1 1 {any}... of _{wildcard}._tcp.useless.example.org is of no use: usage 1 asks for a public CA, which SMTP does not do: publish usage 3 or 2 (+2 more), valid until {date} ({n} days), TLSv1.3",
        &[
            "WARNING: TLSA record 3 1 1 0011 of _{wildcard}._tcp.useless.example.org is of no use: SHA-256 has 32 bytes, not 2",
            "WARNING: no TLSA record of _{wildcard}._tcp.useless.example.org can be used: senders encrypt and verify nothing",
        ],
    ),
    scene(
        "no_record_of_use_required",
        "-H useless.example.org -p {wildcard} --dane require",
        2,
        "SMTP CERT CRITICAL - useless.example.org:{wildcard} (127.0.0.1): no TLSA record of _{wildcard}._tcp.useless.example.org can be used: senders encrypt and verify nothing (+2 more), valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "one_record_of_no_use",
        "-H some.example.org -p {good} --dane require",
        1,
        "SMTP CERT WARNING - some.example.org:{good} (127.0.0.1): TLSA record 0 0 1 {any}... of _{good}._tcp.some.example.org is of no use: usage 0 asks for a public CA, which SMTP does not do: publish usage 3 or 2, valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ta",
        "-H ta.example.org -p {wildcard} --dane require",
        0,
        "SMTP CERT OK - ta.example.org:{wildcard} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[
            "OK: TLSA 2 1 1 {any}... of _{wildcard}._tcp.ta.example.org vouches for *.example.org by DANE-TA(2)",
            "OK: certificate is for ta.example.org",
        ],
    ),
    scene(
        "ta_certificate",
        "-H ta-certificate.example.org -p {wildcard} --dane require",
        0,
        "SMTP CERT OK - ta-certificate.example.org:{wildcard} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ta_other_name",
        "-H ta-other-name.example.org -p {wrong-host} --dane require",
        2,
        "SMTP CERT CRITICAL - ta-other-name.example.org:{wrong-host} (127.0.0.1): certificate is not for ta-other-name.example.org but for other.example.net, valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ta_expired",
        "-H ta-expired.example.org -p {expired} --dane require",
        2,
        "SMTP CERT CRITICAL - ta-expired.example.org:{expired} (127.0.0.1): certificate of mail.example.org expired {span} ago, on {date} (+1 more), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "ta_of_the_leaf",
        "-H ta-leaf.example.org -p {wildcard} --dane require",
        2,
        "SMTP CERT CRITICAL - ta-leaf.example.org:{wildcard} (127.0.0.1): TLSA 2 1 1 {any}... of _{wildcard}._tcp.ta-leaf.example.org does not fit the certificate of *.example.org, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "ta_not_sent",
        "-H ta-not-sent.example.org -p {wildcard} --dane require",
        2,
        "SMTP CERT CRITICAL - ta-not-sent.example.org:{wildcard} (127.0.0.1): TLSA 2 1 1 {any}... of _{wildcard}._tcp.ta-not-sent.example.org does not fit the certificate of *.example.org, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "ta_in_full_not_sent",
        "-H ta-in-full.example.org -p {wildcard} --dane require",
        0,
        "SMTP CERT OK - ta-in-full.example.org:{wildcard} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[
            "OK: TLSA 2 0 0 {any}... of _{wildcard}._tcp.ta-in-full.example.org vouches for *.example.org by DANE-TA(2)",
        ],
    ),
    scene(
        "ta_bare_key_not_sent",
        "-H ta-bare-key.example.org -p {wildcard} --dane require",
        0,
        "SMTP CERT OK - ta-bare-key.example.org:{wildcard} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[
            "OK: TLSA 2 1 0 {any}... of _{wildcard}._tcp.ta-bare-key.example.org vouches for *.example.org by DANE-TA(2)",
        ],
    ),
    scene(
        "alias",
        "-H alias.example.org -p {wildcard} --dane require",
        0,
        "SMTP CERT OK - alias.example.org:{wildcard} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[
            "OK: TLSA 2 1 1 {any}... of _{wildcard}._tcp.ta.example.org vouches for *.example.org by DANE-TA(2)",
        ],
    ),
    scene(
        "both_keys_one_record",
        "-H dual.example.org -p {dual} --dane require --key-types both",
        2,
        "SMTP CERT CRITICAL - dual.example.org:{dual}: 127.0.0.1 RSA: TLSA 3 1 1 {any}... of _{dual}._tcp.dual.example.org does not fit the certificate of mail.example.org (+1 more), 2 of 2 sessions secured, valid until {date} ({n} days, 127.0.0.1 RSA), TLSv1.3, 1 of 2 by DANE",
        &[
            "OK: 127.0.0.1 ECDSA: TLSA 3 1 1 {any}... of _{dual}._tcp.dual.example.org vouches for mail.example.org by DANE-EE(3)",
        ],
    ),
    scene(
        "both_keys_both_records",
        "-H both.example.org -p {dual} --dane require --key-types both",
        0,
        "SMTP CERT OK - both.example.org:{dual} 2 of 2 sessions secured, valid until {date} ({n} days, 127.0.0.1 RSA), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "each_address",
        "-H ee.example.org -p {good} --dane require --all-addresses",
        0,
        "SMTP CERT OK - ee.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "other_address",
        "-H ee.example.org -I 127.0.0.1 -p {good} --dane require",
        0,
        "SMTP CERT OK - ee.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "no_records",
        "-H none.example.org -p {wildcard} --dane opportunistic",
        0,
        "SMTP CERT OK - none.example.org:{wildcard} (127.0.0.1) valid until {date} ({n} days), TLSv1.3",
        &["OK: no TLSA record at _{wildcard}._tcp.none.example.org"],
    ),
    scene(
        "no_records_required",
        "-H none.example.org -p {wildcard} --dane require",
        2,
        "SMTP CERT CRITICAL - none.example.org:{wildcard} (127.0.0.1): no TLSA record at _{wildcard}._tcp.none.example.org, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "insecure_records",
        "-H island.example.org -p {wildcard} --dane opportunistic",
        1,
        "SMTP CERT WARNING - island.example.org:{wildcard} (127.0.0.1): DNSSEC does not vouch for the TLSA records of _{wildcard}._tcp.island.example.org (1): nobody uses them, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "insecure_records_required",
        "-H island.example.org -p {wildcard} --dane require",
        2,
        "SMTP CERT CRITICAL - island.example.org:{wildcard} (127.0.0.1): DNSSEC does not vouch for the TLSA records of _{wildcard}._tcp.island.example.org (1): nobody uses them, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "insecure_zone",
        "-H mail.unsigned.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - mail.unsigned.example:{good} (127.0.0.1): certificate is not for mail.unsigned.example but for mail.example.org, localhost, 127.0.0.1, ::1, valid until {date} ({n} days), TLSv1.3",
        &["OK: DNSSEC does not vouch for the addresses of mail.unsigned.example: DANE does not apply"],
    ),
    scene(
        "insecure_zone_required",
        "-H mail.unsigned.example -p {good} --dane require",
        2,
        "SMTP CERT CRITICAL - mail.unsigned.example:{good} (127.0.0.1): DNSSEC does not vouch for the addresses of mail.unsigned.example: DANE does not apply (+1 more), valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "servfail_records",
        "-H dead.example.org -p {wildcard} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - dead.example.org:{wildcard} (127.0.0.1): name lookup failed: TLSA of _{wildcard}._tcp.dead.example.org: the name server answered SERVFAIL; senders that use DANE put mail off, valid until {date} ({n} days), TLSv1.3",
        &["hint: the zone{any} own name servers fail, or DNSSEC is bogus{any} [servfail]"],
    ),
    scene(
        "no_such_name",
        "-H nowhere.example.org -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - nowhere.example.org:{good}: name 'nowhere.example.org' not found (no such name, or no address)",
        &[],
    ),
    scene(
        "json",
        "-H ee.example.org -p {good} --dane require --output json",
        0,
        "{any}\"alias_of\":null,\"tlsa\":{\"status\":\"secure\",\"owner\":\"_{good}._tcp.ee.example.org\",\"records\":[{\"usage\":3,\"selector\":1,\"matching\":1,{any}\"dane\":\"DANE-EE(3)\"{any}",
        &[],
    ),
    scene(
        "ta_of_the_leaf_in_full",
        "-H ta-leaf-in-full.example.org -p {wildcard} --dane require",
        2,
        "SMTP CERT CRITICAL - ta-leaf-in-full.example.org:{wildcard} (127.0.0.1): TLSA 2 0 0 {any}... of _{wildcard}._tcp.ta-leaf-in-full.example.org does not fit the certificate of *.example.org, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "alias_of_an_insecure_host",
        "-H guest.example.org -p {good} --dane require",
        0,
        "SMTP CERT OK - guest.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[
            "OK: TLSA 3 1 1 {any}... of _{good}._tcp.guest.example.org vouches for mail.example.org by DANE-EE(3)",
        ],
    ),
    scene(
        "alias_of_an_insecure_host_mismatch",
        "-H stranger.example.org -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - stranger.example.org:{good} (127.0.0.1): TLSA 3 1 1 {any}... of _{good}._tcp.stranger.example.org does not fit the certificate of mail.example.org (+1 more), valid until {date} ({n} days), TLSv1.3",
        &[
            "CRITICAL: TLSA 3 1 1 {any}... of _{good}._tcp.stranger.example.org does not fit the certificate of mail.example.org",
        ],
    ),
    scene(
        "insecure_records_hide_nothing",
        "-H twofold.example.org -p {wildcard} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - twofold.example.org:{wildcard} (127.0.0.1): TLSA 3 1 1 {any}... of _{wildcard}._tcp.twofold.example.org does not fit the certificate of *.example.org, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "wildcard_records",
        "-H wild.example.org -p {good} --dane require",
        0,
        "SMTP CERT OK - wild.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "wildcard_host",
        "-H host.any.example.org -p {wildcard} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - host.any.example.org:{wildcard} (127.0.0.1): certificate is not for host.any.example.org but for *.example.org, valid until {date} ({n} days), TLSv1.3",
        &["OK: no TLSA record at _{wildcard}._tcp.host.any.example.org"],
    ),
    scene(
        "records_by_an_alias_without_any",
        "-H dangling.example.org -p {wildcard} --dane opportunistic",
        0,
        "SMTP CERT OK - dangling.example.org:{wildcard} (127.0.0.1) valid until {date} ({n} days), TLSv1.3",
        &["OK: no TLSA record at _{wildcard}._tcp.dangling.example.org"],
    ),
    scene(
        "records_by_an_alias_to_nowhere",
        "-H lost.example.org -p {wildcard} --dane opportunistic",
        0,
        "SMTP CERT OK - lost.example.org:{wildcard} (127.0.0.1) valid until {date} ({n} days), TLSv1.3",
        &["OK: no TLSA record at _{wildcard}._tcp.lost.example.org"],
    ),
    scene(
        "records_in_a_tree_elsewhere",
        "-H moved.example.org -p {good} --dane require",
        0,
        "SMTP CERT OK - moved.example.org:{good} (127.0.0.1) valid until {date} ({n} days), TLSv1.3, by DANE",
        &[
            "OK: TLSA 3 1 1 {any}... of _{good}._tcp.moved.example.org vouches for mail.example.org by DANE-EE(3)",
        ],
    ),
];

/// MX records.
pub const MX: [Scene; 20] = [
    scene(
        "mx",
        "--mx example.org -p {wildcard} --dane require",
        0,
        "SMTP CERT OK - MX of example.org 2 of 2 sessions secured, valid until {date} ({n} days, ta.example.org 127.0.0.1), TLSv1.3, by DANE",
        &[
            "1 ta.example.org 127.0.0.1: TLSv1.3, *.example.org valid until {date}",
            "2 ee.example.org 127.0.0.1: TLSv1.3, *.example.org valid until {date}",
            "OK: ee.example.org 127.0.0.1: TLSA 3 1 1 {any}... of _{wildcard}._tcp.ee.example.org vouches for *.example.org by DANE-EE(3)",
        ],
    ),
    scene(
        "mx_each_address",
        "--mx example.org -p {wildcard} --dane require --all-addresses",
        0,
        "SMTP CERT OK - MX of example.org 2 of 2 sessions secured, valid until {date} ({n} days, ta.example.org 127.0.0.1), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "mx_null",
        "--mx null.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - MX of null.example: null.example takes no mail (null MX, RFC 7505)",
        &["hint: {any} [null_mx]"],
    ),
    scene(
        "mx_null_beside_others",
        "--mx mixed.example -p {good} --dane opportunistic",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of mixed.example): mixed.example has a null MX beside others: senders may refuse it (RFC 7505 section 3), valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "mx_implicit",
        "--mx implicit.example -p {good} --dane require",
        0,
        "SMTP CERT OK - implicit.example:{good} (127.0.0.1, MX of implicit.example) valid until {date} ({n} days), TLSv1.3, by DANE",
        &["OK: implicit.example has no MX record: senders try its own addresses (RFC 5321 section 5.1)"],
    ),
    scene(
        "mx_alias",
        "--mx aliased.example -p {good} --dane require",
        1,
        "SMTP CERT WARNING - mx.aliased.example:{good} (127.0.0.1, MX of aliased.example): MX host mx.aliased.example is an alias of ee.example.org (RFC 2181 section 10.3 forbids it), valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "mx_literal",
        "--mx literal.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - 127.0.0.1:{good} (MX of literal.example): name lookup failed: '127.0.0.1' in the MX record is no host name (RFC 5321 section 5.1)",
        &[],
    ),
    scene(
        "mx_insecure",
        "--mx hosted.example -p {good} --dane opportunistic",
        0,
        "SMTP CERT OK - ee.example.org:{good} (127.0.0.1, MX of hosted.example) valid until {date} ({n} days), TLSv1.3, by DANE",
        &["OK: DNSSEC does not vouch for the MX records of hosted.example: senders need not use DANE"],
    ),
    scene(
        "mx_insecure_required",
        "--mx hosted.example -p {good} --dane require",
        2,
        "SMTP CERT CRITICAL - ee.example.org:{good} (127.0.0.1, MX of hosted.example): DNSSEC does not vouch for the MX records of hosted.example: senders need not use DANE, valid until {date} ({n} days), TLSv1.3, by DANE",
        &[],
    ),
    scene(
        "mx_unsigned",
        "--mx unsigned.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - mail.unsigned.example:{good} (127.0.0.1, MX of unsigned.example): certificate is not for mail.unsigned.example but for mail.example.org, localhost, 127.0.0.1, ::1, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "mx_servfail",
        "--mx broken.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - MX of broken.example: name lookup failed: MX of broken.example: the name server answered SERVFAIL",
        &[],
    ),
    scene(
        "mx_no_such_domain",
        "--mx nowhere.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - MX of nowhere.example: name 'nowhere.example' not found (no such name, or no address)",
        &[],
    ),
    scene(
        "mx_of_a_strict_domain",
        "--mx strict.example -p {self-signed} --dane require --mta-sts check",
        2,
        "SMTP CERT CRITICAL - own.example.org:{self-signed} (127.0.0.1, MX of strict.example): MTA-STS does not take its certificate: certificate is self-signed, valid until {date} ({n} days), TLSv1.3, by DANE, MTA-STS enforce",
        &[],
    ),
    scene(
        "mx_versions",
        "--mx example.org -p {wildcard} --dane require --probe-versions --test-injection",
        1,
        "SMTP CERT WARNING - MX of example.org: ta.example.org: TLSv1 is accepted (+3 more), 2 of 2 sessions secured, valid until {date} ({n} days, ta.example.org 127.0.0.1), TLSv1.3, by DANE",
        &[
            "OK: ee.example.org: a command behind STARTTLS is forgotten",
            "OK: ta.example.org: accepted versions: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3",
        ],
    ),
    scene(
        "mx_of_an_alias",
        "--mx www.example.org -p {wildcard} --dane opportunistic",
        0,
        "SMTP CERT OK - www.example.org:{wildcard} (127.0.0.1, MX of www.example.org) valid until {date} ({n} days), TLSv1.3",
        &["OK: www.example.org has no MX record: senders try its own addresses (RFC 5321 section 5.1)"],
    ),
    scene(
        "mx_twice",
        "--mx twice.example -p {good} --dane opportunistic",
        0,
        "SMTP CERT OK - mail.example.org:{good} (127.0.0.1, MX of twice.example) valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "mx_partly",
        "--mx partly.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - MX of partly.example: nowhere.example.org: name 'nowhere.example.org' not found (no such name, or no address), 1 of 2 sessions secured, valid until {date} ({n} days, mail.example.org 127.0.0.1), TLSv1.3",
        &[
            "1 mail.example.org 127.0.0.1: TLSv1.3, mail.example.org valid until {date}",
            "OK: mail.example.org 127.0.0.1: certificate of mail.example.org is trusted by Testbed Root",
        ],
    ),
    scene(
        "mx_anchors",
        "--mx tas.example -p {wildcard} --dane require",
        0,
        "SMTP CERT OK - MX of tas.example 2 of 2 sessions secured, valid until {date} ({n} days, ta.example.org 127.0.0.1), TLSv1.3, by DANE",
        &[
            "OK: ta.example.org 127.0.0.1: certificate is for ta.example.org",
            "OK: ta-certificate.example.org 127.0.0.1: certificate is for ta-certificate.example.org",
        ],
    ),
    scene(
        "mx_certificate_of_the_domain",
        "--mx corp.example.org -p {wildcard} --dane require",
        0,
        "SMTP CERT OK - mx.elsewhere.example:{wildcard} (127.0.0.1, MX of corp.example.org) valid until {date} ({n} days), TLSv1.3, by DANE",
        &["OK: certificate is for corp.example.org"],
    ),
    scene(
        "mx_many",
        "--mx many.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - MX of many.example: mail1.example.org: name 'mail1.example.org' not found (no such name, or no address) (+16 more), 0 of 16 sessions secured",
        &["WARNING: 4 MX hosts of many.example are left out, beyond the limit"],
    ),
];

/// Policies.
pub const MTA_STS: [Scene; 23] = [
    scene(
        "policy",
        "--mx good.example -p {good} --mta-sts require",
        0,
        "SMTP CERT OK - mail.example.org:{good} (127.0.0.1, MX of good.example) valid until {date} ({n} days), TLSv1.3, MTA-STS enforce",
        &[
            "OK: MTA-STS policy of good.example: mode enforce, kept for {span}",
            "OK: MTA-STS policy of good.example names mail.example.org",
        ],
    ),
    scene(
        "policy_pattern",
        "--mx pattern.example -p {good} --mta-sts require",
        0,
        "SMTP CERT OK - mail.example.org:{good} (127.0.0.1, MX of pattern.example) valid until {date} ({n} days), TLSv1.3, MTA-STS enforce",
        &[],
    ),
    scene(
        "policy_wrong_mx",
        "--mx wrong-mx.example -p {good} --mta-sts check",
        2,
        "SMTP CERT CRITICAL - mail.example.org:{good} (127.0.0.1, MX of wrong-mx.example): MTA-STS policy of wrong-mx.example does not name mail.example.org but mx.example.net, valid until {date} ({n} days), TLSv1.3, MTA-STS enforce",
        &[],
    ),
    scene(
        "policy_wrong_certificate",
        "--mx good.example -p {expired} --mta-sts check",
        2,
        "SMTP CERT CRITICAL - mail.example.org:{expired} (127.0.0.1, MX of good.example): certificate of mail.example.org expired {span} ago, on {date}, TLSv1.3, MTA-STS enforce",
        &[],
    ),
    scene(
        "policy_self_signed_allowed",
        "--mx good.example -p {self-signed} --mta-sts check --allow-self-signed",
        2,
        "SMTP CERT CRITICAL - mail.example.org:{self-signed} (127.0.0.1, MX of good.example): MTA-STS does not take its certificate: certificate is self-signed, valid until {date} ({n} days), TLSv1.3, MTA-STS enforce",
        &[],
    ),
    scene(
        "policy_testing",
        "--mx testing.example -p {good} --mta-sts check",
        0,
        "SMTP CERT OK - mail.example.org:{good} (127.0.0.1, MX of testing.example) valid until {date} ({n} days), TLSv1.3, MTA-STS testing",
        &[],
    ),
    scene(
        "policy_testing_required",
        "--mx testing.example -p {good} --mta-sts require",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of testing.example): MTA-STS policy of testing.example: mode testing, kept for {span}, valid until {date} ({n} days), TLSv1.3, MTA-STS testing",
        &[],
    ),
    scene(
        "policy_testing_wrong_mx",
        "--mx testing-wrong-mx.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of testing-wrong-mx.example): MTA-STS policy of testing-wrong-mx.example does not name mail.example.org but mx.example.net, valid until {date} ({n} days), TLSv1.3, MTA-STS testing",
        &[],
    ),
    scene(
        "policy_none",
        "--mx no-mode.example -p {good} --mta-sts check",
        0,
        "SMTP CERT OK - mail.example.org:{good} (127.0.0.1, MX of no-mode.example) valid until {date} ({n} days), TLSv1.3, MTA-STS none",
        &[],
    ),
    scene(
        "policy_none_required",
        "--mx no-mode.example -p {good} --mta-sts require",
        2,
        "SMTP CERT CRITICAL - mail.example.org:{good} (127.0.0.1, MX of no-mode.example): MTA-STS policy of no-mode.example: mode none, kept for {span}, valid until {date} ({n} days), TLSv1.3, MTA-STS none",
        &[],
    ),
    scene(
        "policy_expired_certificate",
        "--mx expired.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of expired.example): MTA-STS policy of expired.example cannot be fetched: certificate verify failed: certificate has expired, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_expired_certificate_required",
        "--mx expired.example -p {good} --mta-sts require",
        2,
        "SMTP CERT CRITICAL - mail.example.org:{good} (127.0.0.1, MX of expired.example): MTA-STS policy of expired.example cannot be fetched: certificate verify failed: certificate has expired, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_redirect",
        "--mx redirect.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of redirect.example): MTA-STS policy of redirect.example is answered with the redirect 301, which senders do not follow, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_missing",
        "--mx missing.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of missing.example): MTA-STS policy of missing.example is answered with HTTP status 404, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_endless",
        "--mx endless.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of endless.example): MTA-STS policy of endless.example cannot be fetched: more than 64 KiB were answered, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_unsound",
        "--mx unsound.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of unsound.example): MTA-STS policy of unsound.example is not sound: line 2: mode 'enforced', write enforce, testing or none, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_two_records",
        "--mx two.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of two.example): MTA-STS of two.example: TXT record at _mta-sts.two.example: 2 records begin with v=STSv1: publish one, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_two_records_required",
        "--mx two.example -p {good} --mta-sts require",
        2,
        "SMTP CERT CRITICAL - mail.example.org:{good} (127.0.0.1, MX of two.example): MTA-STS of two.example: TXT record at _mta-sts.two.example: 2 records begin with v=STSv1: publish one, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_bad_id",
        "--mx bad-id.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of bad-id.example): MTA-STS of bad-id.example: TXT record at _mta-sts.bad-id.example: id '{date}' is not 1 to 32 letters and digits, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_absent",
        "--mx other-texts.example -p {good} --mta-sts check",
        0,
        "SMTP CERT OK - mail.example.org:{good} (127.0.0.1, MX of other-texts.example) valid until {date} ({n} days), TLSv1.3",
        &["OK: other-texts.example has no MTA-STS policy (no TXT record at _mta-sts.other-texts.example)"],
    ),
    scene(
        "policy_absent_required",
        "--mx other-texts.example -p {good} --mta-sts require",
        2,
        "SMTP CERT CRITICAL - mail.example.org:{good} (127.0.0.1, MX of other-texts.example): other-texts.example has no MTA-STS policy (no TXT record at _mta-sts.other-texts.example), valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "policy_silent",
        "--mx silent.example -p {good} --mta-sts check -t 2",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of silent.example): MTA-STS policy of silent.example cannot be fetched: no answer within 2 s, valid until {date} ({n} days), TLSv1.3",
        &["OK: certificate of mail.example.org is trusted by Testbed Root"],
    ),
    scene(
        "policy_servfail",
        "--mx broken-sts.example -p {good} --mta-sts check",
        1,
        "SMTP CERT WARNING - mail.example.org:{good} (127.0.0.1, MX of broken-sts.example): MTA-STS of broken-sts.example: TXT record at _mta-sts.broken-sts.example: name lookup failed: TXT of _mta-sts.broken-sts.example: the name server answered SERVFAIL, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
];

/// What our own validation says in its own words.
pub const OWN: [Scene; 2] = [
    scene(
        "bogus_records_own",
        "-H bad.example.org -p {wildcard} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - bad.example.org:{wildcard} (127.0.0.1): DNSSEC does not hold (bogus): TLSA of _{wildcard}._tcp.bad.example.org; senders that use DANE put mail off, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "mx_bogus_own",
        "--mx bogus.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - MX of bogus.example: DNSSEC does not hold (bogus): MX of bogus.example",
        &[],
    ),
];

/// What a validating resolver leaves of it.
pub const AD: [Scene; 2] = [
    scene(
        "bogus_records_ad",
        "-H bad.example.org -p {wildcard} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - bad.example.org:{wildcard} (127.0.0.1): name lookup failed: TLSA of _{wildcard}._tcp.bad.example.org: the name server answered SERVFAIL; senders that use DANE put mail off, valid until {date} ({n} days), TLSv1.3",
        &[],
    ),
    scene(
        "mx_bogus_ad",
        "--mx bogus.example -p {good} --dane opportunistic",
        2,
        "SMTP CERT CRITICAL - MX of bogus.example: name lookup failed: MX of bogus.example: the name server answered SERVFAIL",
        &[],
    ),
];

/// What is said where the name server passes on no signatures: that is no fault of the zone.
pub const UNSIGNED: [Scene; 2] = [
    scene(
        "resolver_without_dnssec",
        "-H ee.example.org -p {good} --dane require",
        3,
        "SMTP CERT UNKNOWN - ee.example.org:{good}: {forwarder} passes on no DNSSEC signatures, nothing can be proven",
        &[
            "hint: give --resolver a name server that passes signatures on (with --dnssec own) or validates them itself, such as Unbound on this host [dnssec_not_passed_on]",
        ],
    ),
    scene(
        "resolver_without_dnssec_mx",
        "--mx example.org -p {wildcard} --dane opportunistic",
        3,
        "SMTP CERT UNKNOWN - MX of example.org: {forwarder} passes on no DNSSEC signatures, nothing can be proven",
        &[],
    ),
];
