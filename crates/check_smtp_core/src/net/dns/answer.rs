//! What a validated message says of a name: the aliases, the records behind them, and what each is worth.

use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::dnssec::rdata::{DNSSECRData, NSEC};
use hickory_resolver::proto::op::DnsResponse;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::binary::{BinDecodable as _, BinDecoder};

/// Aliases followed from one name to the next (RFC 1034 section 3.6.2 leaves the number open).
pub const ALIAS_LIMIT: usize = 8;

/// What stands in an answer about a name.
pub struct Found {
    /// The name behind all aliases of the answer.
    pub name: Name,
    /// The records' data.
    pub data: Vec<RData>,
    /// What each record used is worth, the aliases included.
    pub proofs: Vec<(Name, Proof)>,
    /// Names whose records were made from a wildcard: that nothing nearer exists is to be proven too.
    expanded: Vec<(Name, u8)>,
}

impl Found {
    /// Follows the aliases of an answer as far as it goes.
    pub fn read(response: &DnsResponse, asked: &Name, kind: RecordType) -> Self {
        let mut found =
            Self { name: asked.clone(), data: Vec::new(), proofs: Vec::new(), expanded: Vec::new() };
        for _ in 0..ALIAS_LIMIT {
            let here: Vec<&Record> =
                response.answers.iter().filter(|record| record.name == found.name).collect();
            let alias = here.iter().find_map(|record| match &record.data {
                RData::CNAME(target) if kind != RecordType::CNAME => Some((&target.0, record.proof)),
                _ => None,
            });
            let Some((target, proof)) = alias else {
                found.take(&here, kind);
                return found;
            };
            found.note_expansion(&here, RecordType::CNAME);
            found
                .proofs
                .push((found.name.clone(), redirected(response, &found.name, target).unwrap_or(proof)));
            found.name = target.clone();
        }
        found
    }

    fn take(&mut self, here: &[&Record], kind: RecordType) {
        self.note_expansion(here, kind);
        let wanted = here.iter().filter(|record| record.record_type() == kind);
        for record in wanted {
            self.proofs.push((record.name.clone(), record.proof));
            self.data.push(record.data.clone());
        }
    }

    /// A signature over fewer labels than the name has is a wildcard's (RFC 4035 section 5.3.4). Of several the shortest counts: one put
    /// beside it must not hide it.
    fn note_expansion(&mut self, here: &[&Record], kind: RecordType) {
        let signed = here.iter().filter_map(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::RRSIG(signature)) if signature.input().type_covered == kind => {
                Some(signature.input().num_labels)
            }
            _ => None,
        });
        if let Some(labels) = signed.min().filter(|labels| *labels < self.name.num_labels()) {
            self.expanded.push((self.name.clone(), labels));
        }
    }

    /// Whether nothing was found, not even an alias.
    pub fn is_nothing(&self, asked: &Name) -> bool {
        self.data.is_empty() && self.name == *asked
    }

    /// Whether signed NSEC records prove for each name made from a wildcard that nothing nearer exists. hickory's own proof passes over
    /// the case that the record is the wildcard's.
    pub fn has_proven_expansions(&self, response: &DnsResponse) -> bool {
        let denials: Vec<(&Name, &NSEC)> = response
            .authorities
            .iter()
            .filter(|record| record.proof == Proof::Secure)
            .filter_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::NSEC(nsec)) => Some((&record.name, nsec)),
                _ => None,
            })
            .collect();
        self.expanded.iter().all(|(name, labels)| {
            let nearer = name.trim_to(usize::from(*labels) + 1);
            denials.iter().any(|(owner, nsec)| denies(owner, nsec, &nearer))
        })
    }
}

/// Whether an NSEC record proves that a name does not exist, nor anything below it (RFC 4034 section 4, RFC 6840 section 4.1).
fn denies(owner: &Name, nsec: &NSEC, name: &Name) -> bool {
    let next = nsec.next_domain_name();
    let types = nsec.type_set();
    // Of what lies below a delegation or a DNAME its parent's record says nothing.
    let is_cut = types.contains(RecordType::NS) && !types.contains(RecordType::SOA);
    if owner.zone_of(name) && (is_cut || types.contains(RecordType::DNAME)) {
        return false;
    }
    // The last record of a zone points back to its begin.
    let is_between = owner < name && (name < next || next <= owner);
    is_between && !name.zone_of(next)
}

/// What a CNAME is worth that was made from a DNAME: it has no signature of its own (RFC 6672 section 5.3.1).
fn redirected(response: &DnsResponse, name: &Name, target: &Name) -> Option<Proof> {
    response.answers.iter().find_map(|record| {
        let RData::Unknown { code: RecordType::DNAME, rdata } = &record.data else { return None };
        let above = &record.name;
        let prefix = name.iter().count().checked_sub(above.iter().count()).filter(|prefix| *prefix > 0)?;
        if !above.zone_of(name) {
            return None;
        }
        let onto = Name::read(&mut BinDecoder::new(&rdata.anything)).ok()?;
        let made = Name::from_labels(name.iter().take(prefix)).ok()?.append_domain(&onto).ok()?;
        (made == *target).then_some(record.proof)
    })
}

/// Whether the zone that denies a name is one that the name lies in: a denial by another says nothing.
pub fn is_denied_by_its_zone(response: &DnsResponse, name: &Name) -> bool {
    let mut zones = response.authorities.iter().filter(|record| record.record_type() == RecordType::SOA);
    response.authorities.is_empty() || zones.any(|record| record.name.zone_of(name))
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::dnssec::rdata::NSEC;
    use hickory_resolver::proto::rr::{Name, RecordType};

    use super::denies;

    #[test]
    fn what_an_nsec_record_denies() {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let table = [
            // Owner, next, types, and what is asked.
            ("b.example.org.", "d.example.org.", &[RecordType::A][..], "c.example.org.", true),
            ("*._tcp.example.org.", "mail.example.org.", &[RecordType::TLSA], "_25._tcp.example.org.", true),
            ("b.example.org.", "d.example.org.", &[RecordType::A], "b.example.org.", false),
            ("b.example.org.", "d.example.org.", &[RecordType::A], "d.example.org.", false),
            ("b.example.org.", "d.example.org.", &[RecordType::A], "e.example.org.", false),
            // The last of the zone points to its begin.
            ("x.example.org.", "example.org.", &[RecordType::A], "z.example.org.", true),
            // Something below it exists: so does the name.
            ("b.example.org.", "a.c.example.org.", &[RecordType::A], "c.example.org.", false),
            // Below a delegation or a DNAME the record says nothing.
            ("b.example.org.", "d.example.org.", &[RecordType::NS], "a.b.example.org.", false),
            ("b.example.org.", "d.example.org.", &[RecordType::DNAME], "a.b.example.org.", false),
            ("b.example.org.", "d.example.org.", &[RecordType::NS], "c.example.org.", true),
        ];
        for (owner, next, types, asked, denied) in table {
            let nsec = NSEC::new(name(next), types.iter().copied());
            assert_eq!(denies(&name(owner), &nsec, &name(asked)), denied, "{owner} {next} {asked}");
        }
    }
}
