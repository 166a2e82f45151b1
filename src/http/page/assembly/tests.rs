use super::*;

const INDEX: &str = "<head>
  <link rel=\"icon\" href=\"/icons/a.svg\" type=\"image/svg+xml\" />
  <link rel=\"stylesheet\" href=\"/css/one.css\" />
  <link rel=\"stylesheet\" href=\"/css/two.css\" />
  <script type=\"module\" src=\"/js/app.js\"></script>
</head>
";

/// The smallest page: every entry of every pack, and what its head names.
fn files() -> Files {
    let entries = PACKS.iter().flat_map(|(_, entries)| *entries);
    let mut files: Files = entries
        .map(|path| ((*path).to_owned(), b"1;\n".to_vec()))
        .collect();
    for (path, text) in [
        ("index.html", INDEX),
        ("css/one.css", "a {}\n"),
        ("css/two.css", "b {}\n"),
        ("icons/a.svg", "<svg/>"),
        ("js/later.js", "2;\n"),
        ("js/i18n/en.json", "{}"),
        ("js/types.d.ts", "export {}"),
    ] {
        files.insert(path.to_owned(), text.as_bytes().to_vec());
    }
    files
}

/// The name of a file of the tests under its prefix.
fn name(files: &Files, prefix: &str, path: &str) -> String {
    format!("{prefix}{}", named(path, &files[path]))
}

#[test]
fn the_head_names_everything_by_its_content() {
    let files = files();
    for prefix in ["/", "/meet/"] {
        let Assembly { html, made } = Assembly::new(&files, prefix).unwrap();
        let made_name = |path: &str| format!("{prefix}{}", named(path, made[path].as_bytes()));
        let lines: Vec<&str> = html.lines().map(str::trim).collect();
        let icon = name(&files, prefix, "icons/a.svg");
        assert_eq!(
            lines[1],
            format!("<link rel=\"icon\" href=\"{icon}\" type=\"image/svg+xml\" />")
        );
        let style = made_name(STYLES);
        assert_eq!(
            lines[2],
            format!("<link rel=\"stylesheet\" href=\"{style}\" />")
        );
        let map = lines[3]
            .strip_prefix("<script type=\"importmap\">")
            .unwrap();
        let map: serde_json::Value =
            serde_json::from_str(map.strip_suffix("</script>").unwrap()).unwrap();
        let map = map["imports"].as_object().unwrap();
        let first = made_name("js/first.js");
        assert_eq!(
            lines[4],
            format!("<script type=\"module\" src=\"{first}\"></script>")
        );
        let expected = [
            ("js/app.js", first),
            ("js/views/room/room.js", made_name("js/room.js")),
            ("js/later.js", name(&files, prefix, "js/later.js")),
            ("js/i18n/en.json", name(&files, prefix, "js/i18n/en.json")),
            ("icons/a.svg", icon),
        ];
        for (path, name) in expected {
            assert_eq!(map[&format!("{prefix}{path}")], name, "{path}");
        }
        assert!(!map.contains_key(&format!("{prefix}js/types.d.ts")));
        assert_eq!(
            made[STYLES],
            "/* css/one.css */\na {}\n\n/* css/two.css */\nb {}\n\n"
        );
    }
}

#[test]
fn a_name_changes_with_its_content_and_only_then() {
    let mut files = files();
    let before = Assembly::new(&files, "/").unwrap();
    files.insert("js/later.js".to_owned(), b"3;\n".to_vec());
    let after = Assembly::new(&files, "/").unwrap();
    assert_eq!(before.made, after.made);
    assert_ne!(before.html, after.html);
    let mark = mark(&Sha256::digest(b"3;\n"));
    assert!(after.html.contains(&format!("/js/later.{mark}.js")));
}

#[test]
fn a_page_that_lacks_something_is_not_put_together() {
    for missing in [
        "index.html",
        "js/app.js",
        "css/two.css",
        "js/flow/inside.js",
    ] {
        let mut files = files();
        files.remove(missing);
        let reason = Assembly::new(&files, "/").unwrap_err();
        assert!(reason.contains(missing), "{reason}");
    }
    let mut files = files();
    files.insert("js/first.js".to_owned(), Vec::new());
    assert!(Assembly::new(&files, "/").is_err());
}
