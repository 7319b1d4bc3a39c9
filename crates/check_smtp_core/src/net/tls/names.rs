//! The names in a certificate, without reading the rest of it: a bundle holds hundreds, and a path goes over one or two.

use x509_parser::asn1_rs::{Any, Class, FromDer as _, Tag};

/// Subject and issuer of a certificate in DER, both in DER themselves; `None` where there is no certificate.
pub fn subject_and_issuer(mut der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut certificate = take(&mut der)?.content;
    let mut fields = take(&mut certificate)?.content;
    // The version is left out of the oldest certificates (RFC 5280 section 4.1); behind it is the serial number.
    if take(&mut fields)?.class == Class::ContextSpecific {
        take(&mut fields)?;
    }
    take(&mut fields)?;
    let issuer = take(&mut fields)?.whole;
    take(&mut fields)?;
    let subject = take(&mut fields)?.whole;
    Some((subject, issuer))
}

/// What is equal for equal names (RFC 5280 section 7.1), as OpenSSL has it: strings of every type in UTF-8, with small ASCII letters and
/// single spaces. The hash in the file names of a directory of roots is made over the same.
pub fn comparable(name: &[u8]) -> Vec<u8> {
    canonical(name).unwrap_or_else(|| name.to_vec())
}

fn canonical(mut name: &[u8]) -> Option<Vec<u8>> {
    let mut parts = take(&mut name)?.content;
    let mut form = Vec::with_capacity(128);
    while !parts.is_empty() {
        let mut part = take(&mut parts)?.content;
        let mut attributes = Vec::with_capacity(1);
        while !part.is_empty() {
            let mut attribute = take(&mut part)?.content;
            let kind = take(&mut attribute)?.whole;
            let text = text(&take(&mut attribute)?)?;
            attributes.push([kind, &u32::try_from(text.len()).ok()?.to_be_bytes(), &text].concat());
        }
        attributes.sort_unstable();
        form.push(0);
        form.extend(attributes.concat());
    }
    Some(form)
}

fn text(value: &Element<'_>) -> Option<Vec<u8>> {
    let wide = |bytes: &[u8]| bytes.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
    let text: String = match value.tag {
        Tag::Utf8String => return Some(folded(value.content)),
        Tag::PrintableString | Tag::Ia5String | Tag::VisibleString | Tag::T61String => {
            if value.content.is_ascii() {
                return Some(folded(value.content));
            }
            value.content.iter().copied().map(char::from).collect()
        }
        Tag::BmpString => {
            value.content.chunks(2).map(|two| char::from_u32(wide(two))).collect::<Option<_>>()?
        }
        Tag::UniversalString => {
            value.content.chunks(4).map(|four| char::from_u32(wide(four))).collect::<Option<_>>()?
        }
        _ => return Some(value.whole.to_vec()),
    };
    Some(folded(text.as_bytes()))
}

fn folded(text: &[u8]) -> Vec<u8> {
    let mut form = Vec::with_capacity(text.len());
    let words = text.split(|byte| matches!(byte, b' ' | 9..=13)).filter(|word| !word.is_empty());
    for word in words {
        if !form.is_empty() {
            form.push(b' ');
        }
        form.extend(word.iter().map(u8::to_ascii_lowercase));
    }
    form
}

/// One element of DER.
struct Element<'a> {
    class: Class,
    tag: Tag,
    whole: &'a [u8],
    content: &'a [u8],
}

/// Takes the first element off.
fn take<'a>(der: &mut &'a [u8]) -> Option<Element<'a>> {
    let (rest, element) = Any::from_der(der).ok()?;
    let whole = der.get(..der.len() - rest.len())?;
    *der = rest;
    Some(Element { class: element.class(), tag: element.tag(), whole, content: element.data })
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use openssl::asn1::Asn1Type;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

    use super::{comparable, subject_and_issuer};

    fn name(attributes: &[(Nid, &str, Asn1Type)]) -> X509Name {
        let mut name = X509NameBuilder::new().unwrap();
        for (nid, text, kind) in attributes {
            name.append_entry_by_nid_with_type(*nid, text, *kind).unwrap();
        }
        name.build()
    }

    #[test]
    fn names_are_equal_when_openssl_says_so() {
        let own = (Nid::COMMONNAME, "Example Root", Asn1Type::UTF8STRING);
        let place = (Nid::ORGANIZATIONNAME, "Example", Asn1Type::PRINTABLESTRING);
        let names = [
            name(&[own]),
            name(&[(own.0, "Example Root", Asn1Type::PRINTABLESTRING)]),
            name(&[(own.0, "\0E\0x\0a\0m\0p\0l\0e\0 \0R\0o\0o\0t", Asn1Type::BMPSTRING)]),
            name(&[(own.0, "  example   ROOT ", Asn1Type::UTF8STRING)]),
            name(&[(own.0, "ExampleRoot", Asn1Type::UTF8STRING)]),
            name(&[(own.0, "B\u{fc}cher", Asn1Type::UTF8STRING)]),
            name(&[(own.0, "b\u{fc}cher", Asn1Type::UTF8STRING)]),
            name(&[(own.0, "b\u{dc}cher", Asn1Type::UTF8STRING)]),
            name(&[(Nid::ORGANIZATIONNAME, "Example Root", Asn1Type::UTF8STRING)]),
            name(&[place, own]),
            name(&[own, place]),
            name(&[]),
        ];
        for (index, one) in names.iter().enumerate() {
            for (place, other) in names.iter().enumerate() {
                let said = one.try_cmp(other).unwrap() == Ordering::Equal;
                let ours = comparable(&one.to_der().unwrap()) == comparable(&other.to_der().unwrap());
                assert_eq!(ours, said, "{index} and {place}");
            }
        }
        let forms: Vec<_> = names.iter().map(|name| comparable(&name.to_der().unwrap())).collect();
        assert!(forms[1..4].iter().all(|form| *form == forms[0]));
    }

    fn certificate(version: i32) -> X509 {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(version).unwrap();
        builder.set_subject_name(&name(&[(Nid::COMMONNAME, "leaf", Asn1Type::UTF8STRING)])).unwrap();
        builder.set_issuer_name(&name(&[(Nid::COMMONNAME, "root", Asn1Type::UTF8STRING)])).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        builder.build()
    }

    #[test]
    fn both_names_of_a_certificate_with_and_without_a_version() {
        for version in [0, 2] {
            let certificate = certificate(version);
            let der = certificate.to_der().unwrap();
            let (subject, issuer) = subject_and_issuer(&der).unwrap();
            assert_eq!(subject, certificate.subject_name().to_der().unwrap());
            assert_eq!(issuer, certificate.issuer_name().to_der().unwrap());
            for end in 0..der.len() {
                // What is cut off is nobody's certificate, and no panic.
                assert_eq!(subject_and_issuer(&der[..end]), None);
                comparable(&der[..end]);
            }
        }
    }
}
