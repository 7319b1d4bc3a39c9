use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509StoreContext, X509VerifyResult};

use super::*;

/// The verify code for that kind as a client sees it that asks for `name` and trusts the root.
fn verify(kind: Kind, name: &str) -> i32 {
    verify_identity(&Factory::shared().unwrap().identity(kind).unwrap(), name)
}

fn verify_identity(identity: &Identity, name: &str) -> i32 {
    let factory = Factory::shared().unwrap();
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(X509::from_pem(factory.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let mut param = X509VerifyParam::new().unwrap();
    match name.parse() {
        Ok(ip) => param.set_ip(ip).unwrap(),
        Err(_) => param.set_host(name).unwrap(),
    }
    store.set_param(&param).unwrap();
    let store = store.build();
    let certificates = X509::stack_from_pem(identity.chain_pem.as_bytes()).unwrap();
    let mut chain = Stack::new().unwrap();
    for certificate in &certificates[1..] {
        chain.push(certificate.clone()).unwrap();
    }
    let mut context = X509StoreContext::new().unwrap();
    let verdict = context
        .init(&store, &certificates[0], &chain, |context| {
            context.verify_cert()?;
            Ok(context.error())
        })
        .unwrap();
    verdict.as_raw()
}

const OK: i32 = 0;
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
const SELF_SIGNED_LEAF: i32 = 18;
const NO_LOCAL_ISSUER: i32 = 20;
const CANNOT_VERIFY_LEAF: i32 = 21;
const WRONG_HOST: i32 = 62;
const WRONG_ADDRESS: i32 = 64;

#[test]
fn every_kind_is_judged_as_its_name_says() {
    for &kind in Kind::ALL {
        let expected = match kind {
            Kind::WildcardTwoLabels | Kind::IpSan | Kind::Idn | Kind::TrailingDot | Kind::WrongHost => {
                WRONG_HOST
            }
            Kind::Expired | Kind::ExpiredIntermediate => EXPIRED,
            Kind::NotYetValid | Kind::Inverted => NOT_YET_VALID,
            Kind::SelfSigned | Kind::SelfSignedExpiredWrongHost => SELF_SIGNED_LEAF,
            Kind::UnknownCa => NO_LOCAL_ISSUER,
            Kind::MissingIntermediate => CANNOT_VERIFY_LEAF,
            _ => OK,
        };
        let got = verify(kind, "mail.example.org");
        let same_family = [NO_LOCAL_ISSUER, CANNOT_VERIFY_LEAF];
        let matches = got == expected || same_family.contains(&got) && same_family.contains(&expected);
        assert!(matches, "{}: code {got}, expected {expected}", kind.word());
    }
}

#[test]
fn names_and_addresses_a_certificate_is_good_for() {
    assert_eq!(verify(Kind::Good, "127.0.0.1"), OK);
    assert_eq!(verify(Kind::Good, "::1"), OK);
    assert_eq!(verify(Kind::Good, "localhost"), OK);
    assert_eq!(verify(Kind::IpSan, "::1"), OK);
    assert_eq!(verify(Kind::CnOnly, "127.0.0.1"), WRONG_ADDRESS);
    assert_eq!(verify(Kind::Idn, "xn--bcher-kva.example.org"), OK);
    assert_eq!(verify(Kind::WrongHost, "other.example.net"), OK);
    assert_eq!(verify(Kind::Wildcard, "a.mail.example.org"), WRONG_HOST);
    assert_eq!(verify(Kind::WildcardTwoLabels, "a.mail.example.org"), WRONG_HOST);
}

#[test]
fn an_identity_for_names_of_the_tests_own() {
    let factory = Factory::shared().unwrap();
    let long = format!("mta-sts.{}.example.org", "a".repeat(63));
    let names = ["mta-sts.example.org", "mta-sts.example.net", &long];
    let identity = factory.identity_for(&names, false).unwrap();
    for name in names {
        assert_eq!(verify_identity(&identity, name), OK, "{name}");
    }
    assert_eq!(verify_identity(&identity, "mail.example.org"), WRONG_HOST);
    assert_eq!(verify_identity(&factory.identity_for(&[&long], true).unwrap(), &long), EXPIRED);
    assert!(identity.chain_pem.ends_with(&factory.intermediate_pem().unwrap()));
    assert_ne!(factory.identity_for(&names, false).unwrap(), identity);
}

#[test]
fn an_identity_is_made_once_and_every_word_is_a_kind() {
    let factory = Factory::shared().unwrap();
    for &kind in Kind::ALL {
        assert_eq!(kind.word().parse::<Kind>().unwrap(), kind);
        assert_eq!(factory.identity(kind).unwrap(), factory.identity(kind).unwrap());
        factory.identity(kind).unwrap().server_context(None, None).unwrap();
    }
    assert!("rotten".parse::<Kind>().is_err());
    assert!(X509VerifyResult::OK.as_raw() == OK);
}

#[test]
fn chains_are_sent_as_their_kind_says() {
    let sent = |kind| {
        let identity = Factory::shared().unwrap().identity(kind).unwrap();
        let names = X509::stack_from_pem(identity.chain_pem.as_bytes()).unwrap();
        let name = |certificate: &X509| {
            let entry =
                certificate.subject_name().entries_by_nid(openssl::nid::Nid::COMMONNAME).next().unwrap();
            entry.data().to_string().unwrap()
        };
        names.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(sent(Kind::Good), "mail.example.org, Testbed Intermediate");
    assert_eq!(sent(Kind::MissingIntermediate), "mail.example.org");
    assert_eq!(sent(Kind::WrongOrder), "mail.example.org, Testbed Intermediate, Testbed Lower Intermediate");
    assert_eq!(sent(Kind::RootSent), "mail.example.org, Testbed Intermediate, Testbed Root");
    assert_eq!(sent(Kind::ExpiredCrossSign), "mail.example.org, Testbed Intermediate, Testbed Root");
    assert_eq!(sent(Kind::UnrelatedExtra), "mail.example.org, Testbed Intermediate, Unrelated Root");
}
