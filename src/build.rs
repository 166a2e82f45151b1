//! Compresses the page for binaries that carry it, and builds those anew when it changes.

#[path = "http/page/assembly.rs"]
mod assembly;
#[path = "http/page/pack.rs"]
mod pack;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use self::assembly::{Assembly, Files};

/// What compression makes smaller, by the end of the name.
const TEXTS: [&str; 9] = [
    "html",
    "js",
    "css",
    "json",
    "svg",
    "ts",
    "md",
    "txt",
    "webmanifest",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-changed=src/http/page");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Debug builds read the page's files from the disk, so that editing it costs no compilation.
    let carries_page = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let table = match carries_page {
        true => {
            println!("cargo::rerun-if-changed=static");
            compressed(&out)?
        }
        false => "&[]".to_owned(),
    };
    fs::write(out.join("compressed.rs"), table)?;
    Ok(())
}

/// The table of everything that is sent compressed, sorted by the hash of the content: Rust, an expression.
fn compressed(out: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Files::new();
    read(Path::new("static"), "", &mut files)?;
    // Below a path the page itself is another, and compressed when it is first asked for.
    let assembly = Assembly::new(&files, "/")?;
    let made = assembly.made.into_values().chain([assembly.html]);
    let is_text = |path: &str| TEXTS.iter().any(|kind| path.ends_with(&format!(".{kind}")));
    let texts = files.into_iter().filter(|(path, _)| is_text(path));
    let contents = texts
        .map(|(_, bytes)| bytes)
        .chain(made.map(String::into_bytes));
    let by_hash: BTreeMap<[u8; 32], Vec<u8>> = contents
        .map(|bytes| (Sha256::digest(&bytes).into(), bytes))
        .collect();
    let mut table = "&[\n".to_owned();
    for (hash, bytes) in by_hash {
        let name: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(out.join(format!("{name}.br")), brotli(&bytes)?)?;
        fs::write(out.join(format!("{name}.gz")), gzip(&bytes)?)?;
        let included =
            |end| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.{end}\"))");
        writeln!(
            table,
            "    Ready {{ hash: {hash:?}, brotli: {}, gzip: {} }},",
            included("br"),
            included("gz"),
        )?;
    }
    table.push(']');
    Ok(table)
}

/// Every file below a directory, by its path from there.
fn read(directory: &Path, path: &str, files: &mut Files) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| format!("{name:?} is no text"))?;
        let below = if path.is_empty() {
            name
        } else {
            format!("{path}/{name}")
        };
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &below, files)?;
        } else {
            files.insert(below, fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut compressed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        size_hint: bytes.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &params)?;
    Ok(compressed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
