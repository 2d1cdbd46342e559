//! Messages that wait in a cookie for the next page, sealed so that nobody else can write one.

/// Seals and opens the cookie of a flash message.
#[derive(Clone)]
pub struct FlashSeal;

impl FlashSeal {
    /// Seals `message` into text fit for a cookie (at most 4,000 bytes; `None` if it would be longer).
    pub fn seal(&self, message: &[u8]) -> Option<String> {
        let _ = message;
        todo!()
    }

    /// Opens what [`FlashSeal::seal`] made; `None` for anything else.
    pub fn open(&self, cookie: &str) -> Option<Vec<u8>> {
        let _ = cookie;
        todo!()
    }
}
