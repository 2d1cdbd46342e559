//! Where master keys come from: a file that only Patchbay may read, or text from the environment.
//!
//! One key per line, the active one first: `patchbay-master-1:` and the base64url of 32 bytes. Empty lines and lines
//! that begin with `#` say nothing.

use super::{
    MasterKeys,
    key::{self, Key},
    master::MasterKey,
};
use crate::random::Random;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::ExposeSecret as _;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const HEAD: &str = "\
# The master key of Patchbay. Whoever has this file and the database can read every secret in it; without this file
# nobody can. Keep a copy apart from the database's. To rotate, put a new key above the old one and keep both.
";
const PREFIX: &str = "patchbay-master-1:";
/// The bytes of a key in base64url, without padding.
const ENCODED_LEN: usize = 43;
/// Far more than any key ring has; what is larger is not a key file.
const MAX_FILE_LEN: u64 = 64 * 1024;

/// Why there are no master keys. Names the file and the line, never what stands there.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written. [`io::ErrorKind::NotFound`] means that there is none yet, and
    /// [`io::ErrorKind::AlreadyExists`] that another process was quicker to write it.
    #[error("the master key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody else on this machine may read the keys.
    #[error("the master key file {path} may be read by others (mode {mode:o}): run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line is not a key.
    #[error(
        "line {line} of the master keys is no key: it must be `{PREFIX}` and {ENCODED_LEN} characters of base64url"
    )]
    NotAKey {
        /// The line, counted from 1.
        line: usize,
    },
    /// The same key stands there twice, so a line went wrong in copying.
    #[error("line {line} of the master keys repeats a key")]
    Repeated {
        /// The line of the second, counted from 1.
        line: usize,
    },
    /// There is no key at all, only comments.
    #[error("there is no key among the master keys")]
    Empty,
}

impl MasterKeys {
    /// Reads the key file.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |source| KeyFileError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        // Of the opened file, not of the path, which may be another by now.
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        // Reserved so that reading does not grow the buffer and leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(4096));
        file.take(MAX_FILE_LEN).read_to_string(&mut text).map_err(failed)?;
        Self::parse(&text)
    }

    /// Writes a new key file with one new key, for the owner alone, and gives the key. Never overwrites a file.
    pub fn create(path: &Path, random: &dyn Random) -> Result<Self, KeyFileError> {
        let key = key::generate(random);
        write(path, &key).map_err(|source| KeyFileError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::new(MasterKey::new(key), Vec::new()))
    }

    /// Reads keys from the text of a key file, as it may stand in an environment variable.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, content) in text.lines().map(str::trim).enumerate() {
            let line = index + 1;
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let key = MasterKey::new(decode(content).ok_or(KeyFileError::NotAKey { line })?);
            if keys.iter().any(|other| other.id() == key.id()) {
                return Err(KeyFileError::Repeated { line });
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let active = keys.next().ok_or(KeyFileError::Empty)?;
        Ok(Self::new(active, keys.collect()))
    }
}

fn decode(line: &str) -> Option<Key> {
    let encoded = line.strip_prefix(PREFIX)?;
    // One byte more than a key: with exactly 32 the decoder's own estimate of the length would not fit.
    let mut bytes = Zeroizing::new([0; 33]);
    let length = BASE64_URL_SAFE_NO_PAD
        .decode_slice(encoded, bytes.as_mut_slice())
        .ok()?;
    let bytes: &[u8; 32] = bytes[..length].try_into().ok()?;
    Some(Key::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes)))
}

fn write(path: &Path, key: &Key) -> io::Result<()> {
    let mut encoded = Zeroizing::new([0; ENCODED_LEN]);
    BASE64_URL_SAFE_NO_PAD
        .encode_slice(key.expose_secret(), encoded.as_mut_slice())
        .map_err(io::Error::other)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = [HEAD.as_bytes(), PREFIX.as_bytes(), encoded.as_slice(), b"\n"]
        .into_iter()
        .try_for_each(|part| file.write_all(part))
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_directory_of(path));
    if written.is_err() {
        // Half a key would keep the next start from writing a whole one. That it cannot be removed adds nothing to the
        // error.
        let _ = fs::remove_file(path);
    }
    written
}

/// A new file survives a power cut only once its directory is on the disk too.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::testing::Counting;
    use proptest::prelude::*;
    use std::fs::Permissions;

    const KEY: &str = "patchbay-master-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn parse_error(text: &str) -> String {
        MasterKeys::parse(text).expect_err("no key").to_string()
    }

    #[test]
    fn a_written_file_is_for_its_owner_alone_and_reads_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("master.key");
        let written = MasterKeys::create(&path, &Counting::default()).expect("written");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(MasterKeys::load(&path).expect("read").active_id(), written.active_id());
    }

    #[test]
    fn a_file_that_is_there_is_never_overwritten() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("master.key");
        fs::write(&path, "precious").expect("written");
        let error = MasterKeys::create(&path, &Counting::default()).expect_err("it is there");
        assert!(matches!(error, KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read_to_string(&path).expect("read"), "precious");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_command_that_mends_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("master.key");
        MasterKeys::create(&path, &Counting::default()).expect("written");
        for mode in [0o640, 0o604, 0o660, 0o610] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
            let error = MasterKeys::load(&path).expect_err("exposed").to_string();
            assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).expect("set");
        assert!(MasterKeys::load(&path).is_ok());
    }

    #[test]
    fn a_missing_file_is_told_apart() {
        let error = MasterKeys::load(Path::new("/nowhere/master.key")).expect_err("missing");
        assert!(matches!(error, KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound));
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        let plain = MasterKeys::parse(KEY).expect("a key");
        let dressed = MasterKeys::parse(&format!("# ours\r\n\r\n  {KEY}  \r\n")).expect("a key");
        assert_eq!(plain.active_id(), dressed.active_id());
    }

    #[test]
    fn an_error_names_the_line() {
        assert!(parse_error(&format!("# x\n{KEY}\nnonsense")).starts_with("line 3 "));
        assert!(parse_error(&format!("{KEY}\n\n{KEY}")).starts_with("line 3 of the master keys repeats"));
        assert_eq!(parse_error("# only words\n"), "there is no key among the master keys");
    }

    #[test]
    fn a_key_that_is_not_exactly_one_is_refused() {
        for line in [
            &KEY[..KEY.len() - 1],
            &format!("{KEY}A"),
            &format!("{KEY}="),
            &KEY[18..],
            &KEY.replace("-1:", "-2:"),
        ] {
            assert!(parse_error(line).starts_with("line 1 "), "{line}");
        }
    }

    proptest! {
        #[test]
        fn an_error_never_repeats_what_stands_in_the_file(garbage in "[B-Z]{12,40}") {
            for text in [garbage.clone(), format!("patchbay-master-1:{garbage}"), format!("{KEY}\n{KEY}{garbage}")] {
                let error = MasterKeys::parse(&text).expect_err("no key");
                for part in garbage.as_bytes().windows(4) {
                    let shown = format!("{error} {error:?}");
                    prop_assert!(!shown.as_bytes().windows(4).any(|bytes| bytes == part), "{shown}");
                }
            }
        }
    }
}
