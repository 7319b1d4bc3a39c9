use std::time::Duration;

use super::{Hop, Tls, Trace, received_at};

/// As Postfix, amavis and Dovecot write it, from the top: the last hop first.
const POSTFIX_AMAVIS_DOVECOT: &str = "Return-Path: <probe@example.org>\r
Delivered-To: sink@example.net\r
Received: from mail.example.net\r
\tby mail.example.net with LMTP\r
\tid 8PkjFjR2ZGeQ5gAA0J78UA\r
\t(envelope-from <probe@example.org>)\r
\tfor <sink@example.net>; Tue, 24 Nov 2026 10:00:19 +0100\r
Received: from localhost (localhost [127.0.0.1])\r
\tby mail.example.net (Postfix) with ESMTP id 4XyFqD3kGtz1w\r
\tfor <sink@example.net>; Tue, 24 Nov 2026 10:00:18 +0100 (CET)\r
Authentication-Results: mail.example.net (amavis); dkim=pass (2048-bit key)\r
\treason=\"pass (just generated, assumed good)\" header.d=example.org\r
Received: from mail.example.net ([127.0.0.1])\r
\tby localhost (mail.example.net [127.0.0.1]) (amavis, port 10024)\r
\twith ESMTP id Qv3h9T4TSl8l; Tue, 24 Nov 2026 10:00:18 +0100 (CET)\r
Received: from out.example.org (out.example.org [192.0.2.25])\r
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r
\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r
\t(No client certificate requested)\r
\tby mail.example.net (Postfix) with ESMTPS id 4XyFq56T2Dz1v\r
\tfor <sink@example.net>; Tue, 24 Nov 2026 10:00:14 +0100 (CET)\r
Received: from monitor.example.org (unknown [IPv6:2001:db8::7])\r
\tby out.example.org (Postfix) with ESMTP id 4XyFq10Zbdz9\r
\tfor <sink@example.net>; Tue, 24 Nov 2026 09:00:02 +0000 (UTC)\r
Received: by monitor.example.org (Postfix, from userid 0)\r
\tid 4F2B1A0C3D; Tue, 24 Nov 2026 10:00:05 +0100 (CET)\r
X-Spam-Status: No, score=-1.9 required=5.0 tests=BAYES_00,SPF_PASS autolearn=ham\r
Subject: probe\r
\r
Received: from body by body; Tue, 24 Nov 2026 10:00:00 +0100\r
";

fn hop(value: &str) -> Hop {
    let trace = Trace::read(format!("Received: {value}\r\n").as_bytes());
    assert_eq!(trace.hops.len(), 1, "{value}");
    trace.hops.into_iter().next().unwrap()
}

#[test]
fn a_whole_way_in_the_order_of_travel() {
    let trace = Trace::read(POSTFIX_AMAVIS_DOVECOT.as_bytes());
    let told: Vec<_> = trace
        .hops
        .iter()
        .map(|hop| (hop.from.as_deref(), hop.by.as_deref().unwrap(), hop.is_local, hop.delay))
        .collect();
    let (own, out, mail) = ("monitor.example.org", "out.example.org", "mail.example.net");
    let expected = [
        (None, own, true, None),
        // The clock of the second is behind.
        (Some(own), out, false, Some(-3)),
        (Some(out), mail, false, Some(12)),
        (Some(mail), "localhost", true, Some(4)),
        (Some("localhost"), mail, true, Some(0)),
        (Some(mail), mail, true, Some(1)),
    ];
    assert_eq!(told, expected);
    assert_eq!(trace.hops[2].tls, Tls::Used(Some("TLSv1.3".to_owned())));
    assert_eq!((trace.spam.score, trace.spam.required, trace.is_cut), (Some(-1.9), Some(5.0), false));
    assert_eq!(trace.authentication[0].results[0].to_string(), "dkim=pass");
    assert_eq!(received_at(POSTFIX_AMAVIS_DOVECOT.as_bytes()), Some(Duration::from_secs(1_795_510_819)));
}

/// A field, and the host it came from, the one that took it, the protocol, whether TLS, whether local.
type Row = (&'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>, Tls, bool);

fn used(version: &str) -> Tls {
    Tls::Used(Some(version.to_owned()))
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn fields_of_real_servers() -> Vec<Row> {
    vec![
        (
            "from a.example.org (a.example.org [192.0.2.1])\r\n\tby b.example.org (Postfix) with SMTP id 4F2B1A0C3D\r\n\tfor <sink@example.org>; Tue, 24 Nov 2026 10:00:00 +0100 (CET)",
            Some("a.example.org"),
            Some("b.example.org"),
            Some("SMTP"),
            Tls::NotUsed,
            false,
        ),
        // Postfix without smtpd_tls_received_header.
        (
            "from a.example.org (unknown [192.0.2.1])\r\n\tby b.example.org (Postfix) with ESMTPSA id 4F2B1A0C3D; Tue, 24 Nov 2026 10:00:00 +0100 (CET)",
            Some("a.example.org"),
            Some("b.example.org"),
            Some("ESMTPSA"),
            Tls::Used(None),
            false,
        ),
        // Exim.
        (
            "from [192.0.2.9] (helo=relay.example.net)\r\n\tby mx.example.org with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384\r\n\t(Exim 4.96)\r\n\t(envelope-from <a@example.net>)\r\n\tid 1sABCD-0001Xy-2Z\r\n\tfor sink@example.org;\r\n\tTue, 24 Nov 2026 10:00:00 +0100",
            Some("192.0.2.9"),
            Some("mx.example.org"),
            Some("ESMTPS"),
            used("TLS1.3"),
            false,
        ),
        (
            "from relay.example.net ([192.0.2.9]:41022 helo=[127.0.0.1])\r\n\tby mx.example.org with esmtp (Exim 4.96)\r\n\tid 1sABCD-0001Xy-2Z; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("relay.example.net"),
            Some("mx.example.org"),
            Some("ESMTP"),
            Tls::NotUsed,
            false,
        ),
        (
            "from root by mx.example.org with local (Exim 4.96)\r\n\t(envelope-from <root@mx.example.org>)\r\n\tid 1sABCD-0001Xy-2Z; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("root"),
            Some("mx.example.org"),
            Some("local"),
            Tls::NotTold,
            true,
        ),
        // Sendmail.
        (
            "from a.example.org (a.example.org [192.0.2.1] (may be forged))\r\n\tby b.example.org (8.17.1/8.17.1) with ESMTPS id 4AO90012345\r\n\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\r\n\tfor <sink@example.org>; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("a.example.org"),
            Some("b.example.org"),
            Some("ESMTPS"),
            used("TLSv1.3"),
            false,
        ),
        (
            "(from root@localhost)\r\n\tby b.example.org (8.17.1/8.17.1/Submit) id 4AO90012345;\r\n\tTue, 24 Nov 2026 10:00:00 +0100",
            None,
            Some("b.example.org"),
            None,
            Tls::NotTold,
            true,
        ),
        // Exchange Online, and Exchange.
        (
            "from DB9PR01MB1.eurprd01.prod.example.com (2001:db8:10:1::1)\r\n by DB9PR01MB2.eurprd01.prod.example.com (2001:db8:10:1::2) with\r\n Microsoft SMTP Server (version=TLS1_2,\r\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.5314.19; Tue, 24 Nov\r\n 2026 10:00:00 +0100",
            Some("DB9PR01MB1.eurprd01.prod.example.com"),
            Some("DB9PR01MB2.eurprd01.prod.example.com"),
            Some("Microsoft SMTP Server"),
            used("TLS1_2"),
            false,
        ),
        (
            "from EX1.example.com (192.0.2.4) by EX2.example.com (192.0.2.5) with Microsoft SMTP\r\n Server (TLS) id 15.1.2507.6 via Frontend Transport; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("EX1.example.com"),
            Some("EX2.example.com"),
            Some("Microsoft SMTP Server"),
            Tls::Used(None),
            false,
        ),
        (
            "from EX1.example.com (192.0.2.4) by EX2.example.com (192.0.2.5) with Microsoft SMTP\r\n Server id 15.1.2507.6; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("EX1.example.com"),
            Some("EX2.example.com"),
            Some("Microsoft SMTP Server"),
            Tls::NotTold,
            false,
        ),
        (
            "from EX1.example.com ([fe80::1:2]) by EX1.example.com ([fe80::1:2%4]) with mapi id 15.20.5314.19; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("EX1.example.com"),
            Some("EX1.example.com"),
            Some("mapi"),
            Tls::NotTold,
            true,
        ),
        // Gmail.
        (
            "from mail.example.org (mail.example.org. [192.0.2.25])\r\n        by mx.google.example with ESMTPS id 4fb4d7f45d1cf-5cfd3bc8a7si1\r\n        for <sink@example.com>\r\n        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n        Tue, 24 Nov 2026 01:00:00 -0800 (PST)",
            Some("mail.example.org"),
            Some("mx.google.example"),
            Some("ESMTPS"),
            used("TLS1_3"),
            false,
        ),
        (
            "by 2001:db8:6402:1234:b0:1:2:3 with SMTP id x12csp123; Tue, 24 Nov 2026 01:00:00 -0800 (PST)",
            None,
            Some("2001:db8:6402:1234:b0:1:2:3"),
            Some("SMTP"),
            Tls::NotUsed,
            true,
        ),
        // qmail.
        (
            "(qmail 12345 invoked from network); 24 Nov 2026 09:00:00 -0000",
            None,
            None,
            None,
            Tls::NotTold,
            true,
        ),
        ("(qmail 12345 invoked by uid 0); 24 Nov 2026 09:00:00 -0000", None, None, None, Tls::NotTold, true),
        (
            "from unknown (HELO mx.example.net) (probe@192.0.2.5)\r\n  by mail.example.org with (AES256-SHA encrypted) SMTP; 24 Nov 2026 09:00:00 -0000",
            Some("192.0.2.5"),
            Some("mail.example.org"),
            Some("SMTP"),
            Tls::Used(None),
            false,
        ),
        (
            "from mx.example.net (HELO TLSv1.3) (192.0.2.5)\r\n  by mail.example.org with SMTP; 24 Nov 2026 09:00:00 -0000",
            Some("mx.example.net"),
            Some("mail.example.org"),
            Some("SMTP"),
            Tls::NotUsed,
            false,
        ),
        // Dovecot, behind a relay on another machine.
        (
            "from mx.example.org ([192.0.2.8])\r\n\tby store.example.org with LMTP\r\n\tid 8PkjFjR2ZGeQ5gAA0J78UA; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("mx.example.org"),
            Some("store.example.org"),
            Some("LMTP"),
            Tls::NotUsed,
            false,
        ),
        (
            "from mx.example.org ([192.0.2.8])\r\n\tby store.example.org with LMTPS\r\n\tid 8PkjFjR2ZGeQ5gAA0J78UA\r\n\t(envelope-from <a@example.org>)\r\n\tfor <sink@example.org>; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("mx.example.org"),
            Some("store.example.org"),
            Some("LMTPS"),
            Tls::Used(None),
            false,
        ),
        // OpenSMTPD.
        (
            "from a.example.org (a.example.org [192.0.2.1])\r\n\tby b.example.org (OpenSMTPD) with ESMTPS id 7c5dcc4c (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)\r\n\tfor <sink@example.org>;\r\n\tTue, 24 Nov 2026 10:00:00 +0100 (CET)",
            Some("a.example.org"),
            Some("b.example.org"),
            Some("ESMTPS"),
            used("TLSv1.3"),
            false,
        ),
        (
            "from localhost (b.example.org [local])\r\n\tby b.example.org (OpenSMTPD) with ESMTPA id 7c5dcc4c\r\n\tfor <sink@example.org>;\r\n\tTue, 24 Nov 2026 10:00:00 +0100 (CET)",
            Some("localhost"),
            Some("b.example.org"),
            Some("ESMTPA"),
            Tls::NotUsed,
            true,
        ),
        // Courier.
        (
            "from a.example.org (a.example.org [192.0.2.1])\r\n  (TLS: TLSv1/SSLv3,256bits,AES256-SHA)\r\n  by b.example.org with esmtp; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("a.example.org"),
            Some("b.example.org"),
            Some("ESMTP"),
            used("TLSv1"),
            false,
        ),
        // A name of loopback with an address that is none, and the other way round.
        (
            "from localhost (a.example.org [192.0.2.1]) by b.example.org with ESMTP id 1; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("localhost"),
            Some("b.example.org"),
            Some("ESMTP"),
            Tls::NotUsed,
            false,
        ),
        (
            "from [127.0.0.1] (a.example.org [192.0.2.1]) by b.example.org with ESMTP id 1; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("127.0.0.1"),
            Some("b.example.org"),
            Some("ESMTP"),
            Tls::NotUsed,
            false,
        ),
        (
            "from a.example.org (b.example.org [IPv6:::1]) by b.example.org with ESMTP id 1; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("a.example.org"),
            Some("b.example.org"),
            Some("ESMTP"),
            Tls::NotUsed,
            true,
        ),
        // A host that calls itself by a keyword.
        (
            "from by (with [192.0.2.1]) by b.example.org with UTF8SMTPS id with for <a@example.org>; Tue, 24 Nov 2026 10:00:00 +0100",
            Some("by"),
            Some("b.example.org"),
            Some("UTF8SMTPS"),
            Tls::Used(None),
            false,
        ),
    ]
}

#[test]
fn every_server_writes_its_own() {
    for (value, from, by, protocol, tls, is_local) in fields_of_real_servers() {
        let hop = hop(value);
        assert_eq!((hop.from.as_deref(), hop.by.as_deref()), (from, by), "{value}");
        assert_eq!((hop.protocol.as_deref(), hop.tls, hop.is_local), (protocol, tls, is_local), "{value}");
        assert_eq!(hop.time, Some(1_795_510_800), "{value}");
    }
}

/// What tells nothing is no local hop.
/// Who sends chooses the name: only an address of ours, or LMTP, tells of a hop without a network.
#[test]
fn a_name_alone_is_no_local_hop() {
    for (value, is_local) in [
        ("from localhost by mx.example.net with SMTP; Tue, 24 Nov 2026 10:00:00 +0100", false),
        ("from mx.example.net by mx.example.net with ESMTP id 1; Tue, 24 Nov 2026 10:00:00 +0100", false),
        ("from localhost by mx.example.net; Tue, 24 Nov 2026 10:00:00 +0100", false),
        ("from localhost ([127.0.0.1]) by mx.example.net with SMTP; Tue, 24 Nov 2026 10:00:00 +0100", true),
        ("from mx.example.net by mx.example.net with LMTP id 1; Tue, 24 Nov 2026 10:00:00 +0100", true),
    ] {
        assert_eq!(hop(value).is_local, is_local, "{value}");
    }
}

#[test]
fn a_field_that_is_none() {
    for value in ["garbage from a by b with ESMTPS id 1", "from", "from; by b with ESMTP"] {
        let hop = hop(&format!("{value}; 24 Nov 2026 10:00:00 +0100"));
        let expected = Hop { time: Some(1_795_510_800), ..Hop::default() };
        assert_eq!(hop, expected, "{value}");
    }
}

#[test]
fn time_stamps_and_what_is_none() {
    let table = [
        ("24 Nov 2026 10:00:00 +0100", Some(1_795_510_800)),
        // The day of the week is wrong, or is not set off.
        ("Mon, 24 Nov 2026 10:00:00 +0100", Some(1_795_510_800)),
        ("Tue 24 Nov 2026 10:00:00 +0100 (a, b)", Some(1_795_510_800)),
        ("Tue, 24 Nov 2026 09:00 GMT", Some(1_795_510_800)),
        ("Tue, 24 Nov 26 04:00:00 EST", Some(1_795_510_800)),
        ("Tue, 24 Nov 2026 14:30:00 +0530", Some(1_795_510_800)),
        ("Tue, 24 Nov 2026 05:30:00 -0330 (NST)", Some(1_795_510_800)),
        ("Tue, 24 Nov 2026 10:00:00 CET", None),
        ("Tue, 324 Nov 2026 10:00:00 +0100", None),
        ("Tue, 24 Nov 2026 99:00:00 +0100", None),
        ("Tue, 30 Feb 2026 10:00:00 +0100", None),
        ("Tue, 24 Nov 2026 10:00:00", None),
        ("Tue, 24 Foo 2026 10:00:00 +0100", None),
        ("Tue, 24 Nov 99999999999999 10:00:00 +0100", None),
        ("", None),
    ];
    for (text, expected) in table {
        let value = format!("from a by b with ESMTP id 1; {text}");
        assert_eq!(hop(&value).time, expected, "{text}");
        assert_eq!(
            received_at(format!("received : {value}\n").as_bytes()).map(|time| time.as_secs()),
            expected.map(|seconds: i64| u64::try_from(seconds).unwrap())
        );
    }
    assert_eq!(hop("from a by b with ESMTP").time, None);
    assert_eq!(received_at(b"Received: by b; Tue, 1 Jan 1901 00:00:00 +0000\r\n"), None);
    assert_eq!(received_at(b"Subject: x\r\n"), None);
}

#[test]
fn a_time_that_is_not_known_leaves_two_delays_out() {
    let header = b"Received: by c; 24 Nov 2026 10:00:09 +0000\r\nReceived: by b; never\r\nReceived: by a; 24 Nov 2026 10:00:00 +0000\r\n";
    let delays: Vec<_> = Trace::read(header).hops.iter().map(|hop| hop.delay).collect();
    assert_eq!(delays, [None, None, None]);
}

fn results(value: &str) -> (Option<String>, Vec<String>) {
    let trace = Trace::read(format!("Authentication-Results: {value}\r\n").as_bytes());
    let field = trace.authentication.into_iter().next().unwrap();
    (field.authserv_id, field.results.iter().map(ToString::to_string).collect())
}

/// The examples of RFC 8601 appendix B, and what servers write.
#[test]
fn results_as_servers_write_them() {
    let table: &[(&str, Option<&str>, &[&str])] = &[
        ("example.org 1; none", Some("example.org"), &[]),
        ("example.com;\r\n  spf=pass smtp.mailfrom=example.net", Some("example.com"), &["spf=pass"]),
        (
            "example.com;\r\n  auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n  spf=fail smtp.mailfrom=example.net",
            Some("example.com"),
            &["auth=pass", "spf=fail"],
        ),
        (
            "foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462",
            Some("foo.example.net"),
            &["dkim=fail"],
        ),
        (
            "mx.google.example;\r\n       dkim=pass header.i=@example.org header.s=s1 header.b=\"AbC;d\";\r\n       spf=PASS (google.example: domain of a@example.org designates 192.0.2.25 as permitted sender; ok) smtp.mailfrom=a@example.org;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.org",
            Some("mx.google.example"),
            &["dkim=pass", "spf=pass", "dmarc=pass"],
        ),
        (
            "spf=pass (sender IP is 192.0.2.25)\r\n smtp.mailfrom=example.org; dkim=none (message not signed)\r\n header.d=none;dmarc=bestguesspass action=none\r\n header.from=example.org;compauth=pass reason=109",
            None,
            &["spf=pass", "dkim=none", "dmarc=bestguesspass", "compauth=pass"],
        ),
        ("\"mx.example.org\"; ; =; spf=; =pass; spf", Some("mx.example.org"), &[]),
        ("", None, &[]),
    ];
    for (value, id, expected) in table {
        let (told, all) = results(value);
        assert_eq!(told.as_deref(), *id, "{value}");
        assert_eq!(all, *expected, "{value}");
    }
    let header = b"authentication-results: mx.example.org; dkim=fail reason=\"bad signature\" header.d=example.org header.i=@example.org x=y\r\n";
    let trace = Trace::read(header);
    let properties = &trace.authentication[0].results[0].properties;
    let expected = [("header.d", "example.org"), ("header.i", "@example.org")];
    assert_eq!(properties.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect::<Vec<_>>(), expected);
    assert!(trace.authentication[0].is_by(&["MX.example.org".to_owned()]));
    assert!(!trace.authentication[0].is_by(&["mx.example.net".to_owned()]));
}

#[test]
fn scores_of_filters() {
    let table = [
        ("X-Spam-Score: 4.2", Some(4.2), None, false),
        ("X-Spam-Score: -0.1 (/)", Some(-0.1), None, false),
        ("X-Spam-Score: -0", Some(0.0), None, false),
        ("X-Spam-Score: +3", Some(3.0), None, false),
        ("X-Spam-Status: Yes, score=7.1 required=5.0 tests=[A=1,B=2]", Some(7.1), Some(5.0), true),
        ("X-Spam-Status: No, hits=-2.6 tagged_above=-999 required=6.31", Some(-2.6), Some(6.31), false),
        ("X-Rspamd-Score: 4.20", Some(4.2), None, false),
        ("X-Rspamd-Score: 4.20 / 15.00", Some(4.2), Some(15.0), false),
        (
            "X-Spamd-Result: default: False [4.20 / 15.00];\r\n\tR_SPF_ALLOW(-0.20)[+mx]",
            Some(4.2),
            Some(15.0),
            false,
        ),
        ("X-Spam-Flag: YES", None, None, true),
        ("X-Spam: Yes", None, None, true),
        ("X-Spam-Flag: NO\r\nX-Spam-Score: 1\r\nX-Spam-Score: 2", Some(1.0), None, false),
        // The first that can be read.
        ("X-Spam-Score: high\r\nX-Spam-Score: 2", Some(2.0), None, false),
        ("X-Spam-Score: nan", None, None, false),
        ("X-Spam-Score: inf", None, None, false),
        ("X-Spam-Score: 1e3", None, None, false),
        ("X-Spam-Score:", None, None, false),
        ("X-Spamd-Result: default: False [4.20", None, None, false),
    ];
    for (header, score, required, is_flagged) in table {
        let spam = Trace::read(header.as_bytes()).spam;
        assert_eq!((spam.score, spam.required, spam.is_flagged), (score, required, is_flagged), "{header}");
        assert!(spam.score.is_none_or(f64::is_sign_positive) || score.unwrap() < 0.0);
    }
    let endless = format!("X-Spam-Score: {}\r\n", "9".repeat(400));
    assert_eq!(Trace::read(endless.as_bytes()).spam.score, None);
}

#[test]
fn hostile_headers_are_bounded() {
    let loops = "Received: by b; 24 Nov 2026 10:00:00 +0000\r\n".repeat(101);
    let trace = Trace::read(loops.as_bytes());
    assert_eq!((trace.hops.len(), trace.is_cut), (100, true));
    let nested = format!("Received: from a {} by b; x\r\n", "(".repeat(70_000));
    let trace = Trace::read(nested.as_bytes());
    assert_eq!((trace.hops.len(), trace.hops[0].from.as_deref(), trace.is_cut), (1, Some("a"), true));
    let long =
        format!("Received: from {} by \u{1b}[31m\u{202e}|b with {}\r\n", "a".repeat(5000), "x".repeat(5000));
    let hop = hop(long.trim_start_matches("Received: "));
    assert_eq!(hop.from.unwrap().chars().count(), 256);
    assert_eq!(hop.by.as_deref(), Some("\u{fffd}[31m\u{fffd}¦b"));
    assert_eq!(hop.protocol.unwrap().chars().count(), 256);
    let many = format!("Authentication-Results: a{}\r\n", "; spf=pass a.b=c".repeat(3000));
    assert_eq!(Trace::read(many.as_bytes()).authentication[0].results.len(), 50);
    for fields in [
        "Received:\r\n",
        "Received: ;;;;\r\n\t\"\\\r\n",
        "Received: from\r\nReceived: from by\r\n",
        "\0\0:\r\n :\r\n",
    ] {
        assert!(Trace::read(fields.as_bytes()).hops.iter().all(|hop| hop.by.is_none()));
    }
    // Cut anywhere, and with any byte in the place of another, it is read.
    for end in 0..POSTFIX_AMAVIS_DOVECOT.len() {
        let _ = Trace::read(&POSTFIX_AMAVIS_DOVECOT.as_bytes()[..end]);
    }
}
