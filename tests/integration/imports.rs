//! The floors of the house: which part may import which, and who alone may touch a library.
//!
//! The rule is read from the source, so that a new import that runs back up fails here, and not in a review.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each part of `src` and the parts that its code may import; tests may import what they need.
const FLOORS: &[(&str, &[&str])] = &[
    ("bell", &[]),
    ("budgets", &[]),
    ("network", &[]),
    ("allowance", &["budgets"]),
    ("supervise", &[]),
    ("secret_file", &[]),
    ("turn", &["budgets", "network", "protocol"]),
    ("turns", &["network"]),
    ("bench", &[]),
    ("protocol", &["budgets"]),
    ("config", &["budgets", "network", "secret_file"]),
    ("telemetry", &["config"]),
    ("tls", &["config", "secret_file"]),
    ("meeting", &["budgets", "network", "protocol"]),
    (
        "auth",
        &[
            "allowance",
            "budgets",
            "network",
            "protocol",
            "secret_file",
            "turns",
        ],
    ),
    ("store", &["budgets", "meeting", "protocol", "supervise"]),
    ("media", &["budgets", "meeting", "protocol", "turn"]),
    (
        "rooms",
        &[
            "bell",
            "budgets",
            "media",
            "meeting",
            "protocol",
            "supervise",
            "turn",
        ],
    ),
    (
        "sessions",
        &[
            "allowance",
            "auth",
            "bell",
            "budgets",
            "media",
            "meeting",
            "network",
            "protocol",
            "rooms",
            "store",
            "supervise",
            "turns",
        ],
    ),
    ("ws", &["sessions"]),
    (
        "http",
        &[
            "allowance",
            "budgets",
            "config",
            "network",
            "protocol",
            "supervise",
            "tls",
        ],
    ),
    (
        "legacy",
        &["budgets", "http", "network", "protocol", "sessions", "ws"],
    ),
    (
        "cli",
        &[
            "auth",
            "bench",
            "budgets",
            "config",
            "doctor",
            "network",
            "protocol",
            "store",
            "telemetry",
        ],
    ),
    (
        "doctor",
        &[
            "budgets",
            "config",
            "network",
            "protocol",
            "secret_file",
            "store",
            "tls",
        ],
    ),
    (
        "app",
        &[
            "auth",
            "budgets",
            "cli",
            "config",
            "http",
            "legacy",
            "media",
            "meeting",
            "network",
            "protocol",
            "rooms",
            "secret_file",
            "store",
            "supervise",
            "telemetry",
            "tls",
            "turn",
            "sessions",
            "ws",
        ],
    ),
];

/// Libraries that one part alone knows, so that one part changes when they do.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("entity", &["store"]),
    ("sd_notify", &["app"]),
    ("sea_orm", &["store"]),
    ("migration", &["store"]),
    ("rtc", &["media"]),
    ("rtc_dtls", &["bench", "media"]),
    ("rtc_crypto", &["media"]),
    ("rtc_shared", &["bench", "media"]),
    ("rtc_ice", &["bench"]),
    ("rtc_srtp", &["bench"]),
    ("listenfd", &["app"]),
    ("ring", &["media"]),
    ("quinn_udp", &["bench", "media"]),
    ("mio", &["bench", "media"]),
    ("jsonwebtoken", &["auth"]),
    ("argon2", &["auth"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("if_addrs", &["network"]),
    ("rustix", &["doctor", "media"]),
    ("tokio_rustls", &["doctor", "http", "tls"]),
    ("webpki_roots", &["doctor", "tls"]),
    ("x509_parser", &["doctor", "tls"]),
    ("hyper", &["http"]),
    ("rustls_acme", &["http", "tls"]),
    ("rcgen", &["tls"]),
    ("pulldown_cmark", &["http"]),
    ("axum", &["app", "http", "legacy"]),
    (
        "tokio_tungstenite",
        &["bench", "doctor", "http", "legacy", "ws"],
    ),
];

/// Parts in which no two modules import each other, by whatever way round.
const WITHOUT_CIRCLES: [&str; 2] = ["meeting", "rooms"];

#[test]
fn modules_of_a_part_import_each_other_one_way() {
    for part in WITHOUT_CIRCLES {
        let imports = imports_within(part);
        assert!(imports.len() > 3, "{part}: {imports:?}");
        let circular: Vec<&String> = imports
            .keys()
            .filter(|module| reaches(&imports, module).contains(*module))
            .collect();
        assert_eq!(circular, Vec::<&String>::new(), "in {part}");
    }
}

/// The rules of a meeting know its state, and not the other way round; commands are what both are told.
#[test]
fn the_state_of_a_meeting_knows_none_of_its_rules() {
    let imports = imports_within("meeting");
    let state = imports.get("state").unwrap();
    assert_eq!(state, &BTreeSet::from(["command".to_owned()]));
    // The conductor knows state; and a rule knows both, or this test would see nothing.
    assert!(imports["room"].contains("state"));
    assert!(imports["lobby"].is_superset(&BTreeSet::from(["room".into(), "state".into()])));
}

#[test]
fn imports_go_down_the_house_only() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources() {
        seen.insert(source.part.clone());
        let Some((_, below)) = FLOORS.iter().find(|(part, _)| *part == source.part) else {
            wrong.push(format!("{} belongs to no floor", source.path.display()));
            continue;
        };
        for import in paths_after(&source.code, "crate") {
            if import != source.part && is_part(&import) && !below.contains(&import.as_str()) {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(
        seen,
        FLOORS.iter().map(|(part, _)| (*part).to_owned()).collect()
    );
}

#[test]
fn a_library_is_known_to_the_parts_that_own_it() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (library, owners) in LIBRARIES {
            let used = !paths_after(&source.code, library).is_empty();
            if used && !owners.contains(&source.part.as_str()) {
                wrong.push(format!("{} uses {library}", source.path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_reader_of_imports_sees_every_shape() {
    let code = without_tests(
        "use crate::meeting::Room;\n//! crate::http is prose\npub(crate) fn f(x: crate::rooms::Link) {}\n\
         use crate::{auth, store::Store};\n#[cfg(test)]\nmod tests {\n    use crate::app::App;\n}\n",
    );
    let found: Vec<String> = paths_after(&code, "crate").into_iter().collect();
    assert_eq!(found, ["auth", "meeting", "rooms", "store"]);
}

/// Which modules each module of a part imports of the same part. A folder counts as one.
fn imports_within(part: &str) -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(part);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources().iter().filter(|source| source.part == part) {
        let Ok(inside) = source.path.strip_prefix(&root) else {
            continue;
        };
        let names: Vec<String> = inside.components().map(|name| module_name(name)).collect();
        let Some((module, below)) = names.split_first() else {
            continue;
        };
        // The root only names its modules.
        if module == "mod" {
            continue;
        }
        let below = below.iter().filter(|name| *name != "mod").count();
        let up = vec!["super"; 1 + below].join("::");
        let mut found = paths_after(&source.code, &up);
        found.extend(paths_after(&source.code, &format!("crate::{part}")));
        found.remove(module);
        imports.entry(module.clone()).or_default().extend(found);
    }
    let modules: BTreeSet<String> = imports.keys().cloned().collect();
    for found in imports.values_mut() {
        found.retain(|name| modules.contains(name));
    }
    imports
}

fn module_name(name: std::path::Component<'_>) -> String {
    let name = name.as_os_str().to_string_lossy();
    name.trim_end_matches(".rs").to_owned()
}

/// Every module that one comes to by imports.
fn reaches(imports: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&String> = imports[from].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module.clone()) {
            next.extend(&imports[module]);
        }
    }
    reached
}

struct Source {
    path: PathBuf,
    /// The directory or file below `src` that it belongs to.
    part: String,
    code: String,
}

/// The product's own code: no tests, and neither the two roots nor the build script.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&root).ok()?;
            let first = inside.components().next()?.as_os_str().to_str()?;
            let part = first.trim_end_matches(".rs").to_owned();
            if ["main", "lib", "build"].contains(&part.as_str()) || is_test(inside) {
                return None;
            }
            let code = without_tests(&std::fs::read_to_string(&path).unwrap());
            Some(Source { path, part, code })
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

/// Whether a file holds tests alone: its module is declared under `cfg(test)`.
fn is_test(inside: &Path) -> bool {
    const NAMES: [&str; 7] = [
        "fuzzing",
        "tests",
        "stories",
        "simulation",
        "golden",
        "model",
        "model_governing",
    ];
    inside.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        let name = name.trim_end_matches(".rs");
        NAMES.contains(&name)
    })
}

/// The code without comments and without the module of tests at its end.
fn without_tests(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let opens_tests = lines
            .peek()
            .is_some_and(|next| next.trim_start().starts_with("mod ") && next.ends_with('{'));
        if line.trim() == "#[cfg(test)]" && opens_tests {
            break;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

fn is_part(name: &str) -> bool {
    FLOORS.iter().any(|(part, _)| *part == name)
}

/// The names that follow `start::` in the code, also those in braces.
fn paths_after(code: &str, start: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let pattern = format!("{start}::");
    for (at, _) in code.match_indices(&pattern) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':') {
            continue;
        }
        let rest = &code[at + pattern.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(first_word(rest));
            continue;
        };
        let mut depth = 0_usize;
        let mut item = String::new();
        for letter in list.chars() {
            match letter {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.insert(first_word(item.trim()));
                    item.clear();
                    continue;
                }
                _ => {}
            }
            item.push(letter);
        }
        names.insert(first_word(item.trim()));
    }
    names.remove("");
    names
}

fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}
