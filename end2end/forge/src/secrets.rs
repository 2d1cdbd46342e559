//! What must never stand in the record, and striking it out of a text in a time that does not grow with how much there is.

use std::collections::HashMap;
use std::sync::Arc;

use url::form_urlencoded::byte_serialize;

/// By so many bytes of its end a secret is looked up: enough that hardly two have the same, for the random part is at the end.
const END: usize = 12;

/// A secret, and what stands in its place when it is struck out.
type Known = (Arc<str>, &'static str);

/// All values that were ever given out.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    by_end: HashMap<[u8; END], Vec<Known>>,
    /// Those that are shorter than an end. Only a test's own words are.
    short: Vec<Known>,
}

impl Secrets {
    /// From now on `value` is struck out wherever it stands, as it is or encoded for a URL, and `word` put in its place.
    pub(crate) fn add(&mut self, value: &Arc<str>, word: &'static str) {
        let encoded: String = byte_serialize(value.as_bytes()).collect();
        self.add_form(Arc::clone(value), word);
        if encoded != **value {
            self.add_form(encoded.into(), word);
        }
    }

    fn add_form(&mut self, form: Arc<str>, word: &'static str) {
        if let Some(end) = form.as_bytes().last_chunk::<END>() {
            self.by_end.entry(*end).or_default().push((form, word));
        } else if !form.is_empty() {
            self.short.push((form, word));
        }
    }

    /// The text without any secret, and whether there was one in it.
    pub(crate) fn struck_from(&self, text: &str) -> (String, bool) {
        let mut cleaned = String::with_capacity(text.len());
        // What is behind `cleaned` and not decided on yet begins here.
        let mut start = 0;
        for end in END..=text.len() {
            let Some((secret, word)) = self.ending_at(&text.as_bytes()[start..end]) else {
                continue;
            };
            cleaned.push_str(&text[start..end - secret.len()]);
            cleaned.push_str(word);
            start = end;
        }
        cleaned.push_str(&text[start..]);
        let short = self.short.iter();
        let cleaned = short.fold(cleaned, |text, (secret, word)| text.replace(&**secret, word));
        let found = cleaned != text;
        (cleaned, found)
    }

    /// The longest secret that these bytes end in.
    fn ending_at(&self, bytes: &[u8]) -> Option<&Known> {
        let candidates = self.by_end.get(bytes.last_chunk::<END>()?)?.iter();
        let found = candidates.filter(|(secret, _)| bytes.ends_with(secret.as_bytes()));
        found.max_by_key(|(secret, _)| secret.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets<const N: usize>(values: [&str; N]) -> Secrets {
        let mut secrets = Secrets::default();
        for value in values {
            secrets.add(&Arc::from(value), "[x]");
        }
        secrets
    }

    #[test]
    fn a_secret_is_struck_out_wherever_it_stands_and_however_often() {
        let secrets = secrets(["abcdefghijklmnop", "qrstuvwxyz0123456789"]);
        for (text, cleaned) in [
            ("", ""),
            ("a=1&b=2", "a=1&b=2"),
            ("abcdefghijklmnop", "[x]"),
            ("t=abcdefghijklmnop&u=qrstuvwxyz0123456789", "t=[x]&u=[x]"),
            ("abcdefghijklmnopabcdefghijklmnop", "[x][x]"),
            ("/ü/abcdefghijklmnopü", "/ü/[x]ü"),
            ("abcdefghijklmno", "abcdefghijklmno"),
        ] {
            let (found, any) = secrets.struck_from(text);
            assert_eq!((found.as_str(), any), (cleaned, cleaned != text));
        }
    }

    #[test]
    fn a_secret_is_struck_out_in_the_form_that_a_url_gives_it() {
        let secrets = secrets(["BBDC-MjU+/yOT=="]);
        assert_eq!(secrets.struck_from("t=BBDC-MjU%2B%2FyOT%3D%3D").0, "t=[x]");
        assert_eq!(secrets.struck_from("t=BBDC-MjU+/yOT==").0, "t=[x]");
    }

    #[test]
    fn of_two_secrets_with_one_end_the_longer_is_struck_out() {
        let secrets = secrets(["ghijklmnopqrstuv", "abcdefghijklmnopqrstuv"]);
        assert_eq!(secrets.struck_from("abcdefghijklmnopqrstuv").0, "[x]");
        assert_eq!(secrets.struck_from("xghijklmnopqrstuv").0, "x[x]");
    }

    #[test]
    fn a_short_secret_is_struck_out_too_and_an_empty_one_is_none() {
        let secrets = secrets(["hunter2", ""]);
        assert_eq!(secrets.struck_from("p=hunter2").0, "p=[x]");
        assert_eq!(secrets.struck_from("p=").0, "p=");
    }
}
