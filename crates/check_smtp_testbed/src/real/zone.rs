//! What a zone of the name server holds, as master files (RFC 1035 section 5).

/// What is right or wrong with a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Signed, with a DS record at the parent: secure.
    Signed,
    /// Not signed, and the parent proves that there is no DS record: insecure (RFC 4035 section 4.3).
    Unsigned,
    /// As [`Self::Signed`], but every signature except that of the keys was altered after signing: data and denials are bogus.
    Bogus,
    /// Delegated, but the server has nothing of it and answers SERVFAIL.
    Broken,
}

/// A zone below the test's own root.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    signing: Signing,
    is_hashed: bool,
    records: Vec<String>,
}

impl Zone {
    /// A zone of that name, such as `example.org`. Each record is a line of a master file relative to the zone (`@ MX 10 mail`);
    /// SOA and NS, and the address of `ns`, are added. Its parent is the longest zone above it that is served too, else the root.
    pub fn new(name: &str, signing: Signing, records: &[String]) -> Self {
        let name = name.trim_end_matches('.').to_owned();
        Self { name, signing, is_hashed: false, records: records.to_vec() }
    }

    /// The same with hashed denial of existence (NSEC3, RFC 5155) instead of NSEC.
    #[must_use]
    pub fn with_nsec3(mut self) -> Self {
        self.is_hashed = true;
        self
    }

    /// The root of the test.
    pub(super) fn root() -> Self {
        Self::new("", Signing::Signed, &[])
    }

    /// With the final dot.
    pub(super) fn name(&self) -> String {
        format!("{}.", self.name)
    }

    /// The name of its file.
    pub(super) fn file(&self) -> String {
        format!("{}.zone", if self.name.is_empty() { "root" } else { &self.name })
    }

    pub(super) fn signing(&self) -> Signing {
        self.signing
    }

    /// The policy it is signed with.
    pub(super) fn policy(&self) -> &'static str {
        if self.is_hashed { "nsec3" } else { "nsec" }
    }

    /// Whether the other zone stands below this one.
    pub(super) fn is_above(&self, other: &Self) -> bool {
        let above = other.name.strip_suffix(&self.name);
        above.is_some_and(|labels| labels.ends_with('.') || self.name.is_empty() && !labels.is_empty())
    }

    /// How many labels its name has.
    pub(super) fn depth(&self) -> usize {
        self.name.split('.').filter(|label| !label.is_empty()).count()
    }

    /// Its name server and that server's address, for itself and as glue for its parent.
    pub(super) fn servers(&self) -> String {
        let (name, server) = (self.name(), self.server());
        format!("{name} NS {server}\n{server} A 127.0.0.1\n")
    }

    /// Its master file, not signed yet, with what it delegates.
    pub(super) fn master_file(&self, delegations: &str) -> String {
        let mut text = format!(
            "$ORIGIN {}\n$TTL 300\n@ SOA {} hostmaster 1 3600 900 86400 60\n{}{delegations}",
            self.name(),
            self.server(),
            self.servers()
        );
        for record in &self.records {
            text.push_str(record);
            text.push('\n');
        }
        text
    }

    fn server(&self) -> String {
        format!("ns.{}", if self.name.is_empty() { String::new() } else { self.name() })
    }
}

/// The DS record the parent is to hold, from the CDS record (RFC 7344) of a signed zone file.
pub(super) fn delegation_signer(signed: &str) -> Option<String> {
    let record = records(signed, "CDS").next()?;
    let (owner, rest) = record.split_first()?;
    Some(format!("{owner} DS {}\n", rest.get(2..)?.join(" ")))
}

/// The key-signing keys of a signed zone file, one a line, with class.
pub(super) fn trust_anchors(signed: &str) -> String {
    let keys = records(signed, "DNSKEY").filter(|fields| fields.get(3) == Some(&"257"));
    keys.filter_map(|fields| {
        let (owner, ttl) = (fields.first()?, fields.get(1)?);
        Some(format!("{owner} {ttl} IN {}\n", fields.get(2..)?.join(" ")))
    })
    .collect()
}

/// The zone file with a bit of every signature changed, except over the keys: the chain of trust reaches the zone and ends in it.
pub(super) fn with_bad_signatures(signed: &str) -> String {
    let mut text = String::new();
    for line in signed.lines() {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_spoilt = fields.get(2) == Some(&"RRSIG") && fields.get(3) != Some(&"DNSKEY");
        match line.rsplit_once(' ').filter(|_| is_spoilt) {
            Some((before, signature)) => {
                let other = if signature.starts_with('A') { 'B' } else { 'A' };
                text.push_str(before);
                text.push(' ');
                text.push(other);
                text.extend(signature.chars().skip(1));
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// The records of a type, as Knot dumps them: owner, TTL, type, data.
fn records<'a>(signed: &'a str, kind: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    let lines = signed.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    lines.filter(move |fields| fields.get(2) == Some(&kind))
}
