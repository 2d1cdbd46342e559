//! Data that travels to the browser as a list of texts, field after field, and is taken apart only when it is shown.
//!
//! What serde makes to read a structure by the names of its fields is a quarter of a kilobyte of every first page, for each
//! structure. This reads by position instead: server and browser are always of one build.

use serde::{Deserialize, Serialize};
use std::{marker::PhantomData, vec::IntoIter};

/// A `T` as texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed<T>(Vec<String>, PhantomData<T>);

impl<T> Default for Packed<T> {
    fn default() -> Self {
        Self(Vec::new(), PhantomData)
    }
}

impl<T: Pack> Packed<T> {
    /// Packs it.
    pub fn new(what: &T) -> Self {
        let mut texts = Vec::new();
        what.pack(&mut texts);
        Self(texts, PhantomData)
    }

    /// Unpacks it. What is missing, as after an update of the server, is empty.
    #[must_use]
    pub fn open(self) -> T {
        T::unpack(&mut self.0.into_iter())
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

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, texts: &mut Vec<String>) {
        self.0.pack(texts);
        self.1.pack(texts);
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        (A::unpack(texts), B::unpack(texts))
    }
}

/// Packs a structure field after field.
macro_rules! pack_fields {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::packed::Pack for $name {
            fn pack(&self, texts: &mut Vec<String>) {
                $($crate::packed::Pack::pack(&self.$field, texts);)+
            }

            fn unpack(texts: &mut std::vec::IntoIter<String>) -> Self {
                Self { $($field: $crate::packed::Pack::unpack(texts),)+ }
            }
        }
    };
}
pub(crate) use pack_fields;

#[cfg(test)]
mod tests {
    use super::*;

    type Nested = (Vec<(String, bool)>, Option<Vec<String>>);

    #[test]
    fn what_was_packed_is_unpacked() {
        let one: Nested = (
            vec![("a".to_owned(), true), (String::new(), false)],
            Some(vec![String::new(), "b".to_owned()]),
        );
        let other: Nested = (Vec::new(), None);
        for nested in [one, other] {
            let json = serde_json::to_string(&Packed::new(&nested)).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Packed<Nested>>(&json).expect("packed").open(),
                nested
            );
        }
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(Packed::<Nested>::default().open(), (Vec::new(), None));
        let short = Packed::<Nested>(vec!["1".to_owned(), "a".to_owned()], PhantomData);
        assert_eq!(short.open(), (vec![("a".to_owned(), false)], None));
    }
}
