//! Light, dark, or as the system prefers.

use domain::packed::Pack;
use std::vec::IntoIter;

/// The theme that a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system prefers.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the cookie, in the form and in `data-theme`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme that a word names; what is unknown is the system's.
    pub(crate) fn from_word(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|theme| theme.as_str() == word)
            .unwrap_or_default()
    }
}

impl Pack for Theme {
    fn pack(&self, texts: &mut Vec<String>) {
        texts.push(self.as_str().to_owned());
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        Self::from_word(&String::unpack(texts))
    }
}

#[cfg(test)]
mod tests {
    use super::Theme;

    #[test]
    fn a_theme_is_read_back_and_nonsense_is_the_systems() {
        for theme in Theme::ALL {
            assert_eq!(Theme::from_word(theme.as_str()), theme);
        }
        assert_eq!(Theme::from_word("\"><script>"), Theme::System);
    }
}
