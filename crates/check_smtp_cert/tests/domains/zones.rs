//! The zones that the scenes are played in.

use check_smtp_testbed::Result;
use check_smtp_testbed::factory::{Factory, Kind};
use check_smtp_testbed::real::{Postfix, Signing, Zone};

use super::{ONE, policies};

/// The zones: `example.org` has a host for each way of publishing TLSA records, the others are domains.
pub fn zones(postfix: &Postfix) -> Result<Vec<Zone>> {
    let signed = |name: &str, records: &[String]| Zone::new(name, Signing::Signed, records);
    let mut zones = vec![
        signed("example.org", &hosts(postfix)?),
        signed("null.example", &lines(&["@ MX 0 ."])),
        signed("mixed.example", &lines(&["@ MX 0 .", "@ MX 10 mail.example.org."])),
        signed("aliased.example", &lines(&["@ MX 10 mx", "mx CNAME ee.example.org."])).with_nsec3(),
        signed("literal.example", &lines(&["@ MX 10 127.0.0.1."])),
        signed("twice.example", &lines(&["@ MX 10 mail.example.org.", "@ MX 20 mail.example.org."])),
        signed("partly.example", &lines(&["@ MX 10 mail.example.org.", "@ MX 20 nowhere.example.org."])),
        signed("tas.example", &lines(&["@ MX 10 ta.example.org.", "@ MX 20 ta-certificate.example.org."])),
        signed("many.example", &many()),
        Zone::new("hosted.example", Signing::Unsigned, &lines(&["@ MX 10 ee.example.org."])),
        Zone::new("bogus.example", Signing::Bogus, &lines(&["@ MX 10 mail.example.org."])),
        Zone::new("broken-sts.example", Signing::Unsigned, &lines(&["@ MX 10 mail.example.org."])),
        Zone::new("_mta-sts.broken-sts.example", Signing::Broken, &lines(&["@ TXT \"v=STSv1; id=1;\""])),
        Zone::new("broken.example", Signing::Broken, &lines(&["@ MX 10 mail.example.org."])),
    ];
    let strict =
        ["@ MX 10 own.example.org.", "mta-sts A 127.0.0.77", &format!("_mta-sts TXT \"{}\"", ONE.concat())];
    zones.push(signed("strict.example", &lines(&strict)));
    let announced = format!("_mta-sts TXT \"{}\"", ONE.concat());
    let silent = ["@ MX 10 mail.example.org.", "mta-sts A 127.0.0.78", &announced];
    zones.push(Zone::new("silent.example", Signing::Unsigned, &lines(&silent)));
    let good = postfix.port("good")?;
    let tlsa = Factory::shared()?.identity(Kind::Good)?.tlsa(0, 3, 1, 1)?;
    let implicit = ["@ A 127.0.0.1".to_owned(), format!("_{good}._tcp TLSA {tlsa}")];
    zones.push(signed("implicit.example", &implicit).with_nsec3());
    let wildcard = postfix.port("wildcard")?;
    let anchor = Factory::shared()?.identity(Kind::Good)?.tlsa(1, 2, 1, 1)?;
    let elsewhere = ["mx A 127.0.0.1".to_owned(), format!("_{wildcard}._tcp.mx TLSA {anchor}")];
    zones.push(signed("elsewhere.example", &elsewhere));
    let unsigned = ["@ MX 10 mail", "mail A 127.0.0.1"].map(str::to_owned).into_iter();
    let unsigned: Vec<String> = unsigned.chain([format!("_{good}._tcp.mail TLSA {tlsa}")]).collect();
    zones.push(Zone::new("unsigned.example", Signing::Unsigned, &unsigned));
    // Hosts whose addresses are secure and whose TLSA records are not.
    for (name, signing) in [("island", Signing::Unsigned), ("bad", Signing::Bogus), ("dead", Signing::Broken)]
    {
        let record = format!("_{} TLSA {tlsa}", postfix.port("wildcard")?);
        zones.push(Zone::new(&format!("_tcp.{name}.example.org"), signing, &[record]));
    }
    for (name, texts, _, _) in policies().into_iter().filter(|(name, ..)| *name != "strict.example") {
        let mut records = lines(&["@ MX 10 mail.example.org.", "mta-sts A 127.0.0.77"]);
        records.extend(texts.iter().map(|text| format!("_mta-sts TXT \"{text}\"")));
        zones.push(Zone::new(name, Signing::Unsigned, &records));
    }
    Ok(zones)
}

/// More MX hosts than are looked at.
fn many() -> Vec<String> {
    (1..=20).map(|number| format!("@ MX {number} mail{number}.example.org.")).collect()
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The hosts of `example.org`, and the TLSA records of each for the port of the service it is asked on.
fn hosts(postfix: &Postfix) -> Result<Vec<String>> {
    let factory = Factory::shared()?;
    let of = |kind: Kind, element, usage, selector, matching| {
        factory.identity(kind)?.tlsa(element, usage, selector, matching)
    };
    let other = of(Kind::WrongHost, 0, 3, 1, 1)?;
    let root_chain = factory.identity(Kind::RootSent)?;
    let root = |selector, matching| root_chain.tlsa(2, 2, selector, matching);
    let published = [
        ("ee", "good", vec![of(Kind::Good, 0, 3, 1, 1)?]),
        ("certificate", "good", vec![of(Kind::Good, 0, 3, 0, 1)?]),
        ("sha512", "good", vec![of(Kind::Good, 0, 3, 1, 2)?]),
        ("whole", "good", vec![of(Kind::Good, 0, 3, 1, 0)?]),
        ("over", "expired", vec![of(Kind::Expired, 0, 3, 1, 1)?]),
        ("own", "self-signed", vec![of(Kind::SelfSigned, 0, 3, 1, 1)?]),
        ("wrong", "wildcard", vec![other.clone()]),
        ("pair", "good", vec![of(Kind::Good, 0, 3, 1, 1)?, other.clone()]),
        ("neither", "wildcard", vec![other, of(Kind::Expired, 0, 3, 1, 1)?]),
        ("useless", "wildcard", vec![of(Kind::Wildcard, 0, 1, 1, 1)?, "3 1 1 0011".to_owned()]),
        ("some", "good", vec![of(Kind::Good, 0, 3, 1, 1)?, of(Kind::Good, 1, 0, 0, 1)?]),
        ("ta", "wildcard", vec![of(Kind::Good, 1, 2, 1, 1)?]),
        ("ta-certificate", "wildcard", vec![of(Kind::Good, 1, 2, 0, 2)?]),
        ("ta-other-name", "wrong-host", vec![of(Kind::Good, 1, 2, 1, 1)?]),
        ("ta-expired", "expired", vec![of(Kind::Good, 1, 2, 1, 1)?]),
        ("ta-leaf-in-full", "wildcard", vec![of(Kind::Wildcard, 0, 2, 0, 0)?]),
        ("ta-leaf", "wildcard", vec![of(Kind::Wildcard, 0, 2, 1, 1)?]),
        ("ta-not-sent", "wildcard", vec![root(1, 1)?]),
        ("ta-in-full", "wildcard", vec![root(0, 0)?]),
        ("ta-bare-key", "wildcard", vec![root(1, 0)?]),
        ("dual", "dual", vec![of(Kind::Good, 0, 3, 1, 1)?]),
        ("both", "dual", vec![of(Kind::Good, 0, 3, 1, 1)?, of(Kind::GoodRsa, 0, 3, 1, 1)?]),
    ];
    let mut records =
        lines(&["@ MX 10 ta", "@ MX 20 ee", "mail A 127.0.0.1", "alias CNAME ta", "none A 127.0.0.1"]);
    for (host, service, tlsa) in published {
        let port = postfix.port(service)?;
        records.push(format!("{host} A 127.0.0.1"));
        records.extend(tlsa.iter().map(|tlsa| format!("_{port}._tcp.{host} TLSA {tlsa}")));
    }
    records.extend(unusual(postfix)?);
    // The second host of the domain, asked on the port of the first.
    let wildcard = postfix.port("wildcard")?;
    records.push(format!("_{wildcard}._tcp.ee TLSA {}", of(Kind::Wildcard, 0, 3, 1, 1)?));
    records.extend(["island", "bad", "dead"].map(|host| format!("{host} A 127.0.0.1")));
    Ok(records)
}

/// Aliases, wildcards and trees that are elsewhere.
fn unusual(postfix: &Postfix) -> Result<Vec<String>> {
    let factory = Factory::shared()?;
    let (good, tlsa) = (postfix.port("good")?, factory.identity(Kind::Good)?.tlsa(0, 3, 1, 1)?);
    let wildcard = postfix.port("wildcard")?;
    let wrong = factory.identity(Kind::WrongHost)?.tlsa(0, 3, 1, 1)?;
    Ok(vec![
        // Aliases of hosts that are not secure: the name's own records count (RFC 7672 section 2.2.2).
        "guest CNAME mail.unsigned.example.".to_owned(),
        format!("_{good}._tcp.guest TLSA {tlsa}"),
        "stranger CNAME mail.unsigned.example.".to_owned(),
        format!("_{good}._tcp.stranger TLSA {wrong}"),
        // Records that are not secure at the alias's target, and secure ones at the name.
        "twofold CNAME island".to_owned(),
        format!("_{wildcard}._tcp.twofold TLSA {wrong}"),
        // Wildcards, aliases without a target, and a whole tree that is elsewhere.
        "wild A 127.0.0.1".to_owned(),
        format!("*._tcp.wild TLSA {tlsa}"),
        "*.any A 127.0.0.1".to_owned(),
        "dangling A 127.0.0.1".to_owned(),
        format!("_{wildcard}._tcp.dangling CNAME none"),
        "lost A 127.0.0.1".to_owned(),
        format!("_{wildcard}._tcp.lost CNAME nowhere"),
        "moved A 127.0.0.1".to_owned(),
        "_tcp.moved DNAME _tcp.ee".to_owned(),
        "www CNAME none".to_owned(),
        // A certificate for the domain, at a host of another name.
        "corp MX 10 mx.elsewhere.example.".to_owned(),
    ])
}
