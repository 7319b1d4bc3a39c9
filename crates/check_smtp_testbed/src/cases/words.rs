//! Splits a command line as a POSIX shell does, without one.

/// Words separated by blanks; `'...'`, `"..."` and `\` keep them together. The error says what is not closed.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' | '"' => {
                let quoted = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some(c) if c == letter => break,
                        Some('\\') if letter == '"' => quoted.extend(letters.next()),
                        Some(c) => quoted.push(c),
                        None => return Err(format!("a {letter} is not closed")),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_as_a_shell_sees_them() {
        assert_eq!(split("a 'b c' \"d \\\" e\" f\\ g '' h").unwrap(), ["a", "b c", "d \" e", "f g", "", "h"]);
        assert!(split("a 'b").is_err());
    }
}
