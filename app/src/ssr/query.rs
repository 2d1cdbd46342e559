//! The query of a page: what a person chose there, and the addresses of other choices.

use std::borrow::Cow;
use url::form_urlencoded;

/// The fields of a query, in order, without those that are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageQuery(Vec<(String, String)>);

impl PageQuery {
    /// Reads a query.
    pub(crate) fn read(query: &str) -> Self {
        let fields = form_urlencoded::parse(query.as_bytes());
        let owned = |(field, value): (Cow<'_, str>, Cow<'_, str>)| (field.into_owned(), value.into_owned());
        Self(fields.map(owned).filter(|(_, value)| !value.is_empty()).collect())
    }

    /// What a field holds; nothing if it is not there.
    pub(crate) fn get(&self, field: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map_or("", |(_, value)| value)
    }

    /// The same without some fields.
    pub(crate) fn without(&self, fields: &[&str]) -> Self {
        let kept = self.0.iter().filter(|(name, _)| !fields.contains(&name.as_str()));
        Self(kept.cloned().collect())
    }

    /// The same with a field, in place of the one of this name.
    pub(crate) fn with(&self, field: &str, value: &str) -> Self {
        let mut other = self.without(&[field]);
        if !value.is_empty() {
            other.0.push((field.to_owned(), value.to_owned()));
        }
        other
    }

    /// Whether nothing is chosen.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fields and values.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    /// As it stands in an address.
    pub(crate) fn text(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }

    /// The address of a page with it.
    pub(crate) fn at(&self, page: &str) -> String {
        if self.is_empty() {
            page.to_owned()
        } else {
            format!("{page}?{}", self.text())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_changed_and_written() {
        let query = PageQuery::read("q=a%26b+c&status=&after=1");
        assert_eq!((query.get("q"), query.get("status"), query.get("x")), ("a&b c", "", ""));
        let next = query.without(&["after"]).with("show", "7").with("q", "ü");
        assert_eq!(next.at("/acme"), "/acme?show=7&q=%C3%BC");
        assert_eq!(next.with("show", "").with("q", "").at("/acme"), "/acme");
        assert!(PageQuery::read("&&=").is_empty());
    }
}
