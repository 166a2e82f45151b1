//! What the parts of the packet path cost, each by itself: `cargo bench --bench packets`.

use criterion::{Criterion, criterion_group, criterion_main};

fn parts(criterion: &mut Criterion) {
    for (name, mut part) in meeting::media::benching::parts() {
        criterion.bench_function(name, |bencher| bencher.iter(&mut part));
    }
}

criterion_group!(packets, parts);
criterion_main!(packets);
