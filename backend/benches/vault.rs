//! What the vault's framing costs: sealing and opening beside the bare cipher, in one run so that the ratio can be
//! read.

use backend::{
    random::{self, SystemRandom},
    vault::{DataKey, Place},
};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce, aead::Aead as _};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{AccountId, DataKeyId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use std::hint::black_box;
use uuid::Uuid;

const PLACE: Place = Place {
    account: AccountId(Uuid::from_u128(1)),
    table: "git_token",
    row: Uuid::from_u128(2),
    column: "secret",
    user: Some(UserId(Uuid::from_u128(3))),
};

/// A token of the usual length, and one longer than any known.
const SIZES: [(&str, usize); 2] = [("40 B", 40), ("4 KiB", 4096)];

fn vault(criterion: &mut Criterion) {
    let key = DataKey::generate(DataKeyId(Uuid::from_u128(7)), &SystemRandom);
    let cipher = XChaCha20Poly1305::new(&random::array::<32>(&SystemRandom).into());
    let nonce = || XNonce::from(random::array::<24>(&SystemRandom));
    for (name, size) in SIZES {
        let secret = SecretString::from("x".repeat(size));
        let plaintext = secret.expose_secret().as_bytes();
        let throughput = Throughput::Bytes(u64::try_from(size).unwrap_or(u64::MAX));

        let mut group = criterion.benchmark_group(format!("seal {name}"));
        group.throughput(throughput.clone());
        group.bench_function("vault", |bencher| {
            bencher.iter(|| key.seal(&PLACE, black_box(&secret), &SystemRandom));
        });
        group.bench_function("bare cipher", |bencher| {
            bencher.iter(|| cipher.encrypt(&nonce(), black_box(plaintext)));
        });
        group.finish();

        let sealed = key.seal(&PLACE, &secret, &SystemRandom);
        let nonce = nonce();
        let ciphertext = cipher.encrypt(&nonce, plaintext).expect("it encrypts");
        let mut group = criterion.benchmark_group(format!("open {name}"));
        group.throughput(throughput);
        group.bench_function("vault", |bencher| bencher.iter(|| key.open(&PLACE, black_box(&sealed))));
        group.bench_function("bare cipher", |bencher| {
            bencher.iter(|| cipher.decrypt(&nonce, black_box(ciphertext.as_slice())));
        });
        group.finish();
    }
}

criterion_group!(benches, vault);
criterion_main!(benches);
