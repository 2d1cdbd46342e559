//! What the test of an OAuth application finds, each with what to do.

use serde::{Deserialize, Serialize};

/// How a point of the test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In order.
    Good,
    /// Good to know; nothing was tried.
    Told,
    /// Works, and wants a look; or cannot be told from here.
    Unsure,
    /// Nobody can authorise until it is mended.
    Bad,
}

/// One point of the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at, as in "Client secret".
    pub about: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found and what to do, as sentences, with the markup of [`guide::pieces`](crate::guide::pieces).
    pub words: String,
}

/// How an application stands: as its worst finding.
#[must_use]
pub fn worst(findings: &[Finding]) -> Verdict {
    let any = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
    if any(Verdict::Bad) {
        Verdict::Bad
    } else if any(Verdict::Unsure) {
        Verdict::Unsure
    } else {
        Verdict::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        use Verdict::{Bad, Good, Unsure};
        let of = |verdicts: &[Verdict]| {
            let finding = |verdict: &Verdict| Finding {
                about: String::new(),
                verdict: *verdict,
                words: String::new(),
            };
            worst(&verdicts.iter().map(finding).collect::<Vec<_>>())
        };
        assert_eq!(of(&[]), Good);
        assert_eq!(of(&[Good, Unsure]), Unsure);
        assert_eq!(of(&[Unsure, Bad, Good]), Bad);
    }
}
