//! Folder names as `IMAP4rev1` writes them: modified UTF-7 (RFC 3501 section 5.1.3).

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};

const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// The name on the wire.
pub fn encode(name: &str) -> String {
    let mut encoded = String::new();
    let mut shifted: Vec<u8> = Vec::new();
    for character in name.chars() {
        if !matches!(character, ' '..='~') {
            let mut units = [0; 2];
            shifted.extend(character.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
            continue;
        }
        unshift(&mut encoded, &mut shifted);
        encoded.push(character);
        if character == '&' {
            encoded.push('-');
        }
    }
    unshift(&mut encoded, &mut shifted);
    encoded
}

fn unshift(encoded: &mut String, shifted: &mut Vec<u8>) {
    if !shifted.is_empty() {
        encoded.push('&');
        encoded.push_str(&BASE64.encode(&*shifted));
        encoded.push('-');
        shifted.clear();
    }
}

/// The name as it is shown; one that is no modified UTF-7 is shown as it is.
pub fn decode(wire: &[u8]) -> String {
    let text = String::from_utf8_lossy(wire).into_owned();
    decoded(&text).unwrap_or(text)
}

fn decoded(text: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        name.push_str(before);
        let (shifted, behind) = behind.split_once('-')?;
        if shifted.is_empty() {
            name.push('&');
        }
        let bytes = BASE64.decode(shifted).ok()?;
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)))
            .collect();
        name.push_str(&String::from_utf16(&units).ok()?);
        rest = behind;
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn names_of_rfc_3501_and_others() {
        for (name, wire) in [
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Tom & Jerry", "Tom &- Jerry"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("📬", "&2D3c7A-"),
            ("INBOX", "INBOX"),
        ] {
            assert_eq!((encode(name).as_str(), decode(wire.as_bytes()).as_str()), (wire, name));
        }
        for odd in ["a&b", "&*-", "&2D0-", "ü"] {
            assert_eq!(decode(odd.as_bytes()), odd);
        }
    }
}
