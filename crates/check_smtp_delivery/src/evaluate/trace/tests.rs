use clap::Parser as _;

use super::{State, findings, json, lines};
use crate::args::{Args, Config};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn config(more: &str) -> Config {
    let line = format!("x -H 127.0.0.1 -f a@example.org --to b@example.org --receive maildir:/m {more}");
    Line::try_parse_from(line.split_whitespace()).unwrap().args.config().unwrap()
}

fn told(more: &str, header: &str) -> Vec<(&'static str, State, String)> {
    let findings = findings(&config(more), header.as_bytes());
    findings.iter().map(|finding| (finding.id(), finding.state(), finding.text().to_string())).collect()
}

/// The first of its findings; each that is not OK says what to do.
fn first(more: &str, header: &str) -> (&'static str, State, String) {
    let findings = findings(&config(more), header.as_bytes());
    for finding in &findings {
        assert_eq!(finding.advice().is_some(), finding.state() != State::Ok, "{finding:?}");
    }
    told(more, header).into_iter().next().unwrap()
}

const THREE: &str = "Received: from b.example.org (b.example.org [192.0.2.2]) by c.example.org with ESMTPS id 3\r\n (version=TLS1_3); Tue, 24 Nov 2026 10:00:14 +0000\r\nReceived: from a.example.org (a.example.org [192.0.2.1]) by b.example.org with ESMTP id 2; Tue, 24 Nov 2026 10:00:02 +0000\r\nReceived: by a.example.org (Postfix, from userid 0); Tue, 24 Nov 2026 10:00:05 +0000\r\n";

#[test]
fn the_slowest_hop_and_the_clock_that_is_behind() {
    let slowest = "hop 3 of 3: b.example.org -> c.example.org took 12 s by their clocks".to_owned();
    let skew =
        "clock skew: the clock of b.example.org is at least 3 s behind that of a.example.org".to_owned();
    let expected = [("slowest_hop", State::Ok, slowest), ("clock_skew", State::Ok, skew)];
    assert_eq!(told("", THREE), expected);
    // All within one second: none is the slowest.
    assert_eq!(told("", &THREE.replace("10:00:14", "10:00:02").replace("10:00:05", "10:00:02")), []);
    assert_eq!(
        lines(THREE.as_bytes()),
        [
            "1: a.example.org, no network",
            "2: a.example.org -> b.example.org with ESMTP, no TLS, clock 3 s behind",
            "3: b.example.org -> c.example.org with ESMTPS, TLS1_3, 12 s",
        ]
    );
}

#[test]
fn a_hop_without_tls() {
    let more = "--require-tls-hops";
    let table = [
        (THREE.to_owned(), "hop 2 of 3 without TLS: a.example.org -> b.example.org with ESMTP"),
        (
            THREE.replace("ESMTP ", "Microsoft SMTP Server "),
            "hop 2 of 3 does not tell of TLS: a.example.org -> b.example.org with Microsoft SMTP Server",
        ),
        (
            THREE.replace("ESMTPS", "SMTP").replace(" (version=TLS1_3)", ""),
            "hop 2 of 3 without TLS: a.example.org -> b.example.org with ESMTP (and 1 more)",
        ),
        ("Subject: x\r\n".to_owned(), "no Received field tells how the message came"),
        (
            "Received: by a.example.org; x\r\n".repeat(101),
            "the header is longer than what is read of it: its first hops are not known",
        ),
    ];
    for (header, text) in table {
        assert_eq!(first(more, &header), ("hop_without_tls", State::Critical, text.to_owned()));
    }
    let table = [
        (THREE.replace("ESMTP ", "ESMTPSA "), "all 2 hops over a network were under TLS"),
        (THREE.replace("192.0.2.1", "127.0.0.1"), "the hop over a network was under TLS"),
        ("Received: by a.example.org; x\r\n".to_owned(), "no hop has crossed a network"),
    ];
    for (header, text) in table {
        assert_eq!(first(more, &header), ("tls_hops", State::Ok, text.to_owned()));
    }
}

#[test]
fn results_that_are_required() {
    let ours = "--authserv-id mx.example.org --require";
    let field = |results: &str| format!("Authentication-Results: MX.example.org 1; {results}\r\n");
    let bad = |text: &str| ("authentication", State::Critical, text.to_owned());
    let good = |text: &str| ("authentication", State::Ok, text.to_owned());
    let absent = |text: &str| ("authentication_absent", State::Ok, text.to_owned());
    let table = [
        ("spf=pass", field("spf=pass smtp.mailfrom=a@example.org"), good("spf=pass by MX.example.org")),
        (
            "spf=pass",
            field("spf=softfail (no) smtp.mailfrom=a@example.org"),
            bad("spf=softfail (smtp.mailfrom=a@example.org) by MX.example.org, where pass is required"),
        ),
        ("dmarc=pass", field("dmarc=none"), bad("dmarc=none by MX.example.org, where pass is required")),
        // One signature that holds is enough; two identities must both.
        ("dkim=pass", field("dkim=fail header.d=a.org; dkim=pass"), good("dkim=pass by MX.example.org")),
        ("spf=pass", field("spf=pass; spf=fail"), bad("spf=fail by MX.example.org, where pass is required")),
        // The last server that has looked counts.
        (
            "spf=pass",
            field("dkim=pass") + &field("spf=fail") + &field("spf=pass"),
            bad("spf=fail by MX.example.org, where pass is required"),
        ),
        (
            "spf=pass",
            field("dkim=pass"),
            absent("the header has no spf result by mx.example.org, so nothing is held against it"),
        ),
        // What others say does not count.
        (
            "spf=pass",
            field("spf=fail").replace("MX.", "other."),
            absent(
                "the header has no spf result by mx.example.org (there are results by other.example.org, which --authserv-id does not name), so nothing is held against it",
            ),
        ),
        (
            "spf=pass",
            "Authentication-Results: spf=fail\r\n".to_owned(),
            absent(
                "the header has no spf result by mx.example.org (there are results by a server without a name, which --authserv-id does not name), so nothing is held against it",
            ),
        ),
    ];
    for (required, header, expected) in table {
        assert_eq!(first(&format!("{ours} {required}"), &header), expected, "{header}");
    }
    let all = told(&format!("{ours} spf=pass,dkim=pass"), &field("spf=pass; dkim=pass; arc=none"));
    let said = "MX.example.org says spf=pass, dkim=pass, arc=none".to_owned();
    assert_eq!(all.last().unwrap(), &("authentication_results", State::Ok, said));
    assert_eq!(told("", &field("spf=fail")), []);
}

#[test]
fn the_score_and_what_it_is_judged_by() {
    let limits = "--spam-score-warning ~:5 --spam-score-critical ~:8";
    let table = [
        ("", "X-Spam-Score: 9", State::Ok, "spam score 9", Some("score=9")),
        (limits, "X-Spam-Score: -1.9", State::Ok, "spam score -1.9", Some("score=-1.9;5;8")),
        (limits, "X-Spam-Score: 5.5", State::Warning, "spam score 5.5 (over 5)", Some("score=5.5;5;8")),
        (
            limits,
            "X-Spam-Status: Yes, score=8.1 required=6.3",
            State::Critical,
            "spam score 8.1 (over 8), spam from 6.3 on",
            Some("score=8.1;5;8"),
        ),
        (
            "--spam-score-critical -1:1",
            "X-Spam-Score: -2",
            State::Critical,
            "spam score -2 (outside -1:1)",
            Some("score=-2;;-1:1"),
        ),
        (limits, "Subject: x", State::Ok, "no spam score in the header", None),
    ];
    for (more, header, state, text, perfdata) in table {
        assert_eq!(first(more, header), ("spam_score", state, text.to_owned()));
        let findings = findings(&config(more), header.as_bytes());
        let metric = findings[0].perfdata().first().map(ToString::to_string);
        assert_eq!(metric.as_deref(), perfdata);
    }
    assert_eq!(told("", "Subject: x"), []);
    let flag = "a filter on the way has flagged it as spam".to_owned();
    assert_eq!(told("", "X-Spam-Flag: YES"), [("spam_flag", State::Ok, flag)]);
}

#[test]
fn json_of_a_header() {
    let header = format!(
        "{THREE}Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=a@example.org\r\nX-Spam-Status: Yes, score=7 required=5\r\n"
    );
    let hop = |from: Option<&str>,
               by: &str,
               protocol: Option<&str>,
               tls: (Option<bool>, Option<&str>),
               second: i64| {
        json!({ "from": from, "by": by, "protocol": protocol, "tls": tls.0, "tls_version": tls.1, "local": from.is_none(),
                "time": 1_795_514_400 + second, "seconds": (second == 14).then_some(12), "skew": (second == 2).then_some(3) })
    };
    let (a, b, c) = ("a.example.org", "b.example.org", "c.example.org");
    let expected = json!({
        "hops": [
            hop(None, a, None, (None, None), 5),
            hop(Some(a), b, Some("ESMTP"), (Some(false), None), 2),
            hop(Some(b), c, Some("ESMTPS"), (Some(true), Some("TLS1_3")), 14),
        ],
        "complete": true,
        "authentication": [{ "authserv_id": "mx.example.org", "trusted": true, "results": [
            { "method": "spf", "result": "pass", "properties": { "smtp.mailfrom": "a@example.org" } },
        ] }],
        "score": 7.0, "score_required": 5.0, "flagged": true,
    });
    assert_eq!(json(&config("--authserv-id mx.example.org"), header.as_bytes()), expected);
}
