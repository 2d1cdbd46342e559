//! Data that travels to the browser as a list of texts, field after field, and is taken apart only when it is shown.
//!
//! What serde makes to read a structure by the names of its fields is a quarter of a kilobyte of every first page, for each
//! structure. This reads by position instead: server and browser are always of one build.

use serde::{Deserialize, Serialize};
use std::vec::IntoIter;

/// Something as texts. What it is, whoever opens it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed(Vec<String>);

impl Packed {
    /// Packs it.
    pub fn new(what: &impl Pack) -> Self {
        let mut texts = Vec::new();
        what.pack(&mut texts);
        Self(texts)
    }

    /// Whether it is an `Option` of nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.first().is_none_or(String::is_empty)
    }

    /// Unpacks it. What is missing, as after an update of the server, is empty.
    #[must_use]
    pub fn open<T: Pack>(self) -> T {
        T::unpack(&mut self.0.into_iter())
    }
}

impl From<Vec<String>> for Packed {
    fn from(texts: Vec<String>) -> Self {
        Self(texts)
    }
}

/// What can be packed.
pub trait Pack {
    /// Adds its texts.
    fn pack(&self, texts: &mut Vec<String>);
    /// Takes its texts.
    fn unpack(texts: &mut IntoIter<String>) -> Self;
}

impl Pack for String {
    fn pack(&self, texts: &mut Vec<String>) {
        texts.push(self.clone());
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        texts.next().unwrap_or_default()
    }
}

impl Pack for bool {
    fn pack(&self, texts: &mut Vec<String>) {
        texts.push(if *self { "1" } else { "" }.to_owned());
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        texts.next().is_some_and(|text| !text.is_empty())
    }
}

/// Every element after a text that is not empty, and an empty one at the end.
impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, texts: &mut Vec<String>) {
        for element in self {
            true.pack(texts);
            element.pack(texts);
        }
        false.pack(texts);
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        let mut elements = Self::new();
        while bool::unpack(texts) {
            elements.push(T::unpack(texts));
        }
        elements
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, texts: &mut Vec<String>) {
        self.is_some().pack(texts);
        if let Some(inner) = self {
            inner.pack(texts);
        }
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        bool::unpack(texts).then(|| T::unpack(texts))
    }
}

impl<T: Pack, E: Pack> Pack for Result<T, E> {
    fn pack(&self, texts: &mut Vec<String>) {
        self.is_ok().pack(texts);
        match self {
            Ok(value) => value.pack(texts),
            Err(error) => error.pack(texts),
        }
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        if bool::unpack(texts) {
            Ok(T::unpack(texts))
        } else {
            Err(E::unpack(texts))
        }
    }
}

/// Its texts, after how many they are.
impl Pack for Packed {
    fn pack(&self, texts: &mut Vec<String>) {
        texts.push(self.0.len().to_string());
        texts.extend_from_slice(&self.0);
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        let count = String::unpack(texts).parse().unwrap_or_default();
        Self(texts.take(count).collect())
    }
}

impl Pack for () {
    fn pack(&self, _: &mut Vec<String>) {}

    fn unpack(_: &mut IntoIter<String>) -> Self {}
}

impl<T: Pack> Pack for Box<T> {
    fn pack(&self, texts: &mut Vec<String>) {
        (**self).pack(texts);
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        Self::new(T::unpack(texts))
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, texts: &mut Vec<String>) {
        self.0.pack(texts);
        self.1.pack(texts);
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        (A::unpack(texts), B::unpack(texts))
    }
}

/// Packs a structure field after field. Fields that are for the server alone, and their values in the browser, follow a `;`.
#[macro_export]
macro_rules! pack_fields {
    ($name:ident { $($field:ident),+ $(,)? $(; $($alone:ident: $value:expr),+ $(,)?)? }) => {
        impl $crate::packed::Pack for $name {
            fn pack(&self, texts: &mut Vec<String>) {
                $($crate::packed::Pack::pack(&self.$field, texts);)+
            }

            fn unpack(texts: &mut std::vec::IntoIter<String>) -> Self {
                Self { $($field: $crate::packed::Pack::unpack(texts),)+ $($($alone: $value,)+)? }
            }
        }
    };
}
pub use pack_fields;

/// Packs an enumeration: which variant it is, in a word, and its fields. What is none of them is unpacked as the last one.
#[macro_export]
macro_rules! pack_variants {
    ($name:ident { $($word:literal $variant:ident $(($($field:ident),+))?,)+ _ => $other:expr $(,)? }) => {
        impl $crate::packed::Pack for $name {
            fn pack(&self, texts: &mut Vec<String>) {
                match self {
                    $(Self::$variant $(($($field),+))? => {
                        texts.push($word.to_owned());
                        $($($crate::packed::Pack::pack($field, texts);)+)?
                    })+
                }
            }

            fn unpack(texts: &mut std::vec::IntoIter<String>) -> Self {
                match <String as $crate::packed::Pack>::unpack(texts).as_str() {
                    $($word => {
                        $($(let $field = $crate::packed::Pack::unpack(texts);)+)?
                        Self::$variant $(($($field),+))?
                    })+
                    _ => $other,
                }
            }
        }
    };
}
pub use pack_variants;

#[cfg(test)]
mod tests {
    use super::*;

    type Nested = (Vec<(String, bool)>, Option<Result<Packed, String>>);

    #[test]
    fn what_was_packed_is_unpacked() {
        let one: Nested = (
            vec![("a".to_owned(), true), (String::new(), false)],
            Some(Ok(Packed(vec![String::new(), "b".to_owned()]))),
        );
        let other: Nested = (Vec::new(), Some(Err("c".to_owned())));
        for nested in [one, other, (Vec::new(), None)] {
            let json = serde_json::to_string(&Packed::new(&nested)).expect("JSON");
            let packed: Packed = serde_json::from_str(&json).expect("packed");
            assert_eq!(packed.open::<Nested>(), nested);
        }
    }

    #[test]
    fn nothing_is_told_without_unpacking() {
        assert!(Packed::new(&None::<String>).is_none());
        assert!(!Packed::new(&Some(String::new())).is_none());
        assert!(Packed::default().is_none());
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(Packed::default().open::<Nested>(), (Vec::new(), None));
        let short = Packed(vec!["1".to_owned(), "a".to_owned()]);
        assert_eq!(short.open::<Nested>(), (vec![("a".to_owned(), false)], None));
        let cut = Packed(["", "1", "1", "3", "b"].map(ToOwned::to_owned).to_vec());
        assert_eq!(
            cut.open::<Nested>(),
            (Vec::new(), Some(Ok(Packed(vec!["b".to_owned()]))))
        );
    }
}
