//! The vault's promises. A test's name begins with the promise that it holds the vault to.

use super::{DataKey, FingerprintKey, KeyId, MasterKeys, Place, Sealed, VaultError, testing::Counting};
use domain::{AccountId, DataKeyId, UserId};
use proptest::{collection::vec, prelude::*};
use secrecy::ExposeSecret as _;
use std::collections::HashSet;
use uuid::Uuid;

const ACCOUNT: AccountId = AccountId(Uuid::from_u128(1));
const PLACE: Place = Place {
    account: ACCOUNT,
    table: "git_token",
    row: Uuid::from_u128(2),
    column: "secret",
    user: Some(UserId(Uuid::from_u128(3))),
};
const SECRET: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

fn data_key(id: u128) -> DataKey {
    DataKey::generate(DataKeyId(Uuid::from_u128(id)), &Counting::from(1 << 20))
}

fn master(letter: char) -> MasterKeys {
    MasterKeys::parse(&master_line(letter)).expect("a master key")
}

fn master_line(letter: char) -> String {
    // The last of 43 characters carries four bits only, so it is one whose other two are zero.
    format!("patchbay-master-1:{}A", letter.to_string().repeat(42))
}

fn sealed(secret: &str) -> Sealed {
    data_key(7).seal(&PLACE, &secret.into(), &Counting::default())
}

fn opened(place: &Place, sealed: &Sealed) -> Result<String, VaultError> {
    data_key(7)
        .open(place, sealed)
        .map(|secret| secret.expose_secret().to_owned())
}

/// Every way to alter a ciphertext by one bit, by cutting it or by adding a byte.
fn altered(sealed: &Sealed) -> impl Iterator<Item = Sealed> {
    let bytes = sealed.as_bytes().to_vec();
    let flipped = (0..bytes.len() * 8).map({
        let bytes = bytes.clone();
        move |bit| {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        }
    });
    let cut = (0..bytes.len()).map({
        let bytes = bytes.clone();
        move |length| bytes[..length].to_vec()
    });
    let grown = (0..=u8::MAX).map(move |byte| [&bytes[..], &[byte]].concat());
    flipped.chain(cut).chain(grown).map(Sealed::from)
}

/// Secrets of any characters, empty and longer than a page of memory among them.
fn any_secret() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        ".{0,80}",
        vec(any::<char>(), 4096..5000).prop_map(String::from_iter)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_trip_any_secret_opens_where_it_was_sealed(secret in any_secret(), row: u128, user: Option<u128>) {
        let place = Place { row: Uuid::from_u128(row), user: user.map(|id| UserId(Uuid::from_u128(id))), ..PLACE };
        let sealed = data_key(7).seal(&place, &secret.as_str().into(), &Counting::default());
        prop_assert_eq!(opened(&place, &sealed), Ok(secret));
    }

    #[test]
    fn confidential_no_part_of_a_secret_shows(secret in "[a-zA-Z0-9_]{8,80}") {
        let sealed = sealed(&secret);
        for part in secret.as_bytes().windows(8) {
            prop_assert!(!sealed.as_bytes().windows(8).any(|bytes| bytes == part));
        }
        prop_assert_eq!(format!("{sealed:?}"), format!("Sealed({} bytes)", secret.len() + 58));
    }

    #[test]
    fn integrity_arbitrary_bytes_do_not_open(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(opened(&PLACE, &bytes.into()).is_err());
    }

    #[test]
    fn moving_a_ciphertext_to_any_other_place_fails(row: u128, account: u128, user: Option<u128>) {
        let place = Place {
            row: Uuid::from_u128(row),
            account: AccountId(Uuid::from_u128(account)),
            user: user.map(|id| UserId(Uuid::from_u128(id))),
            ..PLACE
        };
        prop_assume!(place != PLACE);
        prop_assert_eq!(opened(&place, &sealed(SECRET)), Err(VaultError::DoesNotOpen));
    }
}

#[test]
fn unique_encryption_the_same_secret_never_looks_the_same() {
    let (key, random) = (data_key(7), Counting::default());
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        let bytes = key.seal(&PLACE, &SECRET.into(), &random).into_bytes();
        assert!(seen.insert(bytes[18..42].to_vec()), "a nonce came twice");
        assert!(seen.insert(bytes[42..].to_vec()), "a ciphertext came twice");
    }
}

#[test]
fn integrity_every_flipped_bit_every_cut_and_every_appended_byte_is_refused() {
    for secret in ["", SECRET] {
        let sealed = sealed(secret);
        assert_eq!(opened(&PLACE, &sealed), Ok(secret.to_owned()));
        for altered in altered(&sealed) {
            assert!(opened(&PLACE, &altered).is_err(), "{:?}", altered.as_bytes());
        }
    }
}

#[test]
fn moving_a_ciphertext_fails() {
    let sealed = sealed(SECRET);
    for place in [
        Place {
            account: AccountId(Uuid::from_u128(9)),
            ..PLACE
        },
        Place {
            table: "oauth_application",
            ..PLACE
        },
        Place {
            row: Uuid::from_u128(9),
            ..PLACE
        },
        Place {
            column: "refresh_secret",
            ..PLACE
        },
        Place {
            user: Some(UserId(Uuid::from_u128(9))),
            ..PLACE
        },
        Place { user: None, ..PLACE },
    ] {
        assert_eq!(opened(&place, &sealed), Err(VaultError::DoesNotOpen), "{place:?}");
    }
}

#[test]
fn moving_a_ciphertext_fails_also_from_the_account_to_a_person() {
    let sealed = data_key(7).seal(&Place { user: None, ..PLACE }, &SECRET.into(), &Counting::default());
    assert_eq!(opened(&PLACE, &sealed), Err(VaultError::DoesNotOpen));
}

#[test]
fn moving_a_ciphertext_fails_where_two_names_join_to_the_same_text() {
    let sealed = data_key(7).seal(
        &Place {
            table: "git",
            column: "token",
            ..PLACE
        },
        &SECRET.into(),
        &Counting::default(),
    );
    assert!(
        opened(
            &Place {
                table: "gitt",
                column: "oken",
                ..PLACE
            },
            &sealed
        )
        .is_err()
    );
}

#[test]
fn another_data_key_opens_nothing_and_the_right_one_is_named() {
    let id = KeyId::from(DataKeyId(Uuid::from_u128(7)));
    assert_eq!(
        data_key(8).open(&PLACE, &sealed(SECRET)).err(),
        Some(VaultError::UnknownKey { id })
    );
    assert_eq!(sealed(SECRET).key_id(), Ok(id));
}

#[test]
fn another_data_key_of_the_same_id_opens_nothing() {
    let other = DataKey::generate(DataKeyId(Uuid::from_u128(7)), &Counting::from(1 << 30));
    assert_eq!(other.open(&PLACE, &sealed(SECRET)).err(), Some(VaultError::DoesNotOpen));
}

#[test]
fn an_error_says_what_is_wrong_with_the_header() {
    let with = |at: usize, byte| {
        let mut bytes = sealed(SECRET).into_bytes();
        bytes[at] = byte;
        opened(&PLACE, &bytes.into())
    };
    assert_eq!(with(0, 2), Err(VaultError::UnknownFormat { version: 2 }));
    assert_eq!(with(1, 9), Err(VaultError::UnknownAlgorithm { algorithm: 9 }));
    assert_eq!(opened(&PLACE, &vec![1; 57].into()), Err(VaultError::TooShort));
}

#[test]
fn a_wrapped_data_key_opens_what_it_sealed_before() {
    let (master, key) = (master('a'), data_key(7));
    let wrapped = master.wrap_data_key(&key, ACCOUNT, &Counting::default());
    assert_eq!(wrapped.key_id(), Ok(master.active_id()));
    let unwrapped = master.unwrap_data_key(key.id(), ACCOUNT, &wrapped).expect("it opens");
    let secret = unwrapped.open(&PLACE, &sealed(SECRET)).expect("it opens");
    assert_eq!(secret.expose_secret(), SECRET);
}

#[test]
fn moving_a_wrapped_key_to_another_account_or_id_fails() {
    let (master, key) = (master('a'), data_key(7));
    let wrapped = master.wrap_data_key(&key, ACCOUNT, &Counting::default());
    let (other_account, other_id) = (AccountId(Uuid::from_u128(9)), DataKeyId(Uuid::from_u128(9)));
    assert_eq!(
        master.unwrap_data_key(key.id(), other_account, &wrapped).err(),
        Some(VaultError::DoesNotOpen)
    );
    assert_eq!(
        master.unwrap_data_key(other_id, ACCOUNT, &wrapped).err(),
        Some(VaultError::DoesNotOpen)
    );

    let fingerprints = FingerprintKey::generate(&Counting::default());
    let wrapped = master.wrap_fingerprint_key(&fingerprints, ACCOUNT, &Counting::default());
    assert_eq!(
        master.unwrap_fingerprint_key(other_account, &wrapped).err(),
        Some(VaultError::DoesNotOpen)
    );
}

#[test]
fn integrity_an_altered_wrapped_key_is_refused() {
    let (master, key) = (master('a'), data_key(7));
    for altered in altered(&master.wrap_data_key(&key, ACCOUNT, &Counting::default())) {
        assert!(
            master.unwrap_data_key(key.id(), ACCOUNT, &altered).is_err(),
            "{:?}",
            altered.as_bytes()
        );
    }
}

#[test]
fn one_kind_of_key_cannot_be_taken_for_the_other() {
    let (master, random) = (master('a'), Counting::default());
    let data_key = data_key(7);
    let wrapped = master.wrap_data_key(&data_key, ACCOUNT, &random);
    assert_eq!(
        master.unwrap_fingerprint_key(ACCOUNT, &wrapped).err(),
        Some(VaultError::DoesNotOpen)
    );
    let wrapped = master.wrap_fingerprint_key(&FingerprintKey::generate(&random), ACCOUNT, &random);
    assert_eq!(
        master.unwrap_data_key(data_key.id(), ACCOUNT, &wrapped).err(),
        Some(VaultError::DoesNotOpen)
    );
}

#[test]
fn a_missing_master_key_is_named() {
    let (old, new) = (master('a'), master('b'));
    let wrapped = old.wrap_data_key(&data_key(7), ACCOUNT, &Counting::default());
    let error = new
        .unwrap_data_key(data_key(7).id(), ACCOUNT, &wrapped)
        .expect_err("the key is missing");
    assert_eq!(error, VaultError::UnknownKey { id: old.active_id() });
    assert_eq!(error.to_string(), format!("the key {} is missing", old.active_id()));
}

#[test]
fn a_retired_master_key_opens_and_the_active_one_wraps() {
    let old = master('a');
    let wrapped = old.wrap_data_key(&data_key(7), ACCOUNT, &Counting::default());
    let ring = MasterKeys::parse(&format!("{}\n{}", master_line('b'), master_line('a'))).expect("two keys");
    assert_eq!(ring.active_id(), master('b').active_id());
    assert!(ring.has(old.active_id()) && ring.has(ring.active_id()) && !ring.has(master('c').active_id()));

    let key = ring
        .unwrap_data_key(data_key(7).id(), ACCOUNT, &wrapped)
        .expect("the retired key opens");
    let wrapped_anew = ring.wrap_data_key(&key, ACCOUNT, &Counting::from(99));
    assert_eq!(wrapped_anew.key_id(), Ok(ring.active_id()));
    assert!(master('b').unwrap_data_key(key.id(), ACCOUNT, &wrapped_anew).is_ok());
}

#[test]
fn equal_secrets_have_equal_fingerprints_within_an_account_only() {
    let (ours, theirs) = (
        FingerprintKey::generate(&Counting::from(1)),
        FingerprintKey::generate(&Counting::from(1 << 20)),
    );
    assert_eq!(ours.fingerprint(&SECRET.into()), ours.fingerprint(&SECRET.into()));
    assert_ne!(ours.fingerprint(&SECRET.into()), ours.fingerprint(&"ghp_other".into()));
    assert_ne!(ours.fingerprint(&SECRET.into()), theirs.fingerprint(&SECRET.into()));
}

#[test]
fn a_wrapped_fingerprint_key_makes_the_same_fingerprints() {
    let (master, key) = (master('a'), FingerprintKey::generate(&Counting::default()));
    let wrapped = master.wrap_fingerprint_key(&key, ACCOUNT, &Counting::default());
    let unwrapped = master.unwrap_fingerprint_key(ACCOUNT, &wrapped).expect("it opens");
    assert_eq!(unwrapped.fingerprint(&SECRET.into()), key.fingerprint(&SECRET.into()));
}

#[test]
fn derived_keys_differ_by_purpose_and_by_master_key() {
    let derived = |letter, purpose| *master(letter).derive(purpose).expose_secret();
    assert_eq!(derived('a', "x"), derived('a', "x"));
    assert_ne!(derived('a', "x"), derived('a', "y"));
    assert_ne!(derived('a', "x"), derived('b', "x"));
}

#[test]
fn printing_a_key_shows_its_id_only() {
    assert_eq!(
        format!("{:?}", data_key(7)),
        format!("DataKey {{ id: {:?}, .. }}", data_key(7).id())
    );
    assert_eq!(
        format!("{:?}", master('a')),
        format!("[KeyId({})]", master('a').active_id())
    );
    assert_eq!(
        format!("{:?}", FingerprintKey::generate(&Counting::default())),
        "FingerprintKey(…)"
    );
}

/// What version 1 wrote must open for ever: if this test fails, give the changed format a version of its own. The
/// values come from a second implementation of this format, in Python over the `cryptography` package.
#[test]
fn the_format_stays() {
    let (master, random) = (master('a'), Counting::default());
    assert_eq!(master.active_id().to_string(), "318f3985-4931-c053-7ac6-b8365a566f34");
    assert_eq!(
        hex(master.derive("x").expose_secret()),
        "458be12d3d109b0f154583b90ed85b3fbe62bb24155a381d18461a9145cfe055"
    );
    assert_eq!(
        hex(sealed(SECRET).as_bytes()),
        "\
         010100000000000000000000000000000007000000000000000000000000000000010000000000000002a0a60ac6f1618326\
         867a96302544945e6b7414aff5589bfae467b35b5df58566e837d58c77ab6dc6666418cdae0124bd8b07fa49ac2422d7"
    );
    assert_eq!(
        hex(master.wrap_data_key(&data_key(7), ACCOUNT, &random).as_bytes()),
        "\
         0101318f39854931c0537ac6b8365a566f340000000000000000000000000000000100000000000000027c6a6e2254631170\
         5723f3013c7af815fa080275b4c3605ba853e30f7352e23467d87329f927bc2f45d2108707655c48"
    );
    let fingerprints = FingerprintKey::generate(&Counting::default());
    assert_eq!(
        hex(master.wrap_fingerprint_key(&fingerprints, ACCOUNT, &random).as_bytes()),
        "\
         0101318f39854931c0537ac6b8365a566f34000000000000000300000000000000040000000000000005dcea9d4f47eafc95\
         0fdcf70ef43a2b32bfd122de60caf0a444a51ea148fe36c0c68357ecb5beab93928e8875461422ee"
    );
    assert_eq!(
        hex(&fingerprints.fingerprint(&SECRET.into())),
        "a6ca53c2a1f4c9dd0e84b9b1ea8315204ec081ea8982f9960fdce142ad87da97"
    );
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("a digit");
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}
